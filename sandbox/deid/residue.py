"""What a cleaned item must not hold any more: the register's values."""

from sandbox.deid.forms import Register


def find_residue(data: bytes | str, register: Register) -> list[str]:
    """Kinds of identifier that `data` still holds; empty when it is clean."""
    text = data if isinstance(data, str) else data.replace(b"\x00", b"").decode("utf_8", "replace")
    return ["REGISTER"] if register.needles.find(text) else []
