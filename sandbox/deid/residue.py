"""What a cleaned item must not hold any more.

- The register's values, in every spelling; in octets also in GB 18030 and UTF-16.
- Numbers that prove themselves: identity numbers and cards with their check digit, US social
  security numbers, telephones, e-mail addresses, number plates.

A name that is also an ordinary word counts where it stands as a name. Dates are not looked for: the
moved ones are to stay. Surrogates of our own are not reported.
"""

import re

from sandbox.deid.forms import Register
from sandbox.deid.text_chinese import is_ordinary
from sandbox.deid.text_numbers import proven_in
from sandbox.deid.text_surrogates import TAG
from sandbox.deid.text_view import SEALED, view_of

_OTHER_CODECS = ("gb18030", "utf_16_le", "utf_16_be")
_PRINTED = re.compile(rb"[\x20-\x7e]{7,}")
_READ_WHOLE = 1 << 16
_SURE = 6
_MAYBE = re.compile(r"[@＠]|[0-9０-９](?:[^0-9０-９A-Za-z]{0,3}[0-9０-９]){6}")


def find_residue(data: bytes | str, register: Register) -> list[str]:
    """Kinds of identifier that `data` still holds, sorted; empty when it is clean."""
    if isinstance(data, str):
        return sorted(_in_text(data, register))
    kinds: set[str] = set()
    for text in _readings(data):
        kinds |= _in_text(text, register)
    least = _SURE if len(data) > _READ_WHOLE else 0
    if any(value in data for value in _encoded(register) if len(value) >= least):
        kinds.add("REGISTER")
    return sorted(kinds)


def _readings(data: bytes) -> list[str]:
    """The texts that octets may be; of large ones, what is printed in ASCII for the patterns."""
    plain = data.replace(b"\x00", b"")
    texts = [plain.decode("utf_8", "replace")]
    if data.isascii() and plain == data:
        return texts
    if len(data) <= _READ_WHOLE:
        texts += [data.decode(codec, "replace") for codec in _OTHER_CODECS]
        texts.append(data[1:].decode("utf_16_le", "replace"))
        return texts
    return [*texts, "\n".join(run.decode("ascii") for run in _PRINTED.findall(plain))]


def _encoded(register: Register) -> list[bytes]:
    """Names in other scripts as they stand in octets of other encodings."""
    names = [
        row.name
        for row in register.rows
        if row.name and len(row.name) > 1 and not row.name.isascii() and not is_ordinary(row.name)
    ]
    return [name.encode(codec, "ignore") for name in names for codec in _OTHER_CODECS]


def _in_text(text: str, register: Register) -> set[str]:
    kinds: set[str] = set()
    shown = (
        TAG.sub(lambda tag: SEALED + (tag.group(3) or "") + SEALED, text) if "[" in text else text
    )
    if _MAYBE.search(shown):
        kinds |= {str(span.kind) for span in proven_in(view_of(shown, _nowhere).text)}
    found = register.needles.find(shown)
    if found and (not all(map(is_ordinary, found)) or _stands_as_name(shown, register)):
        kinds.add("REGISTER")
    return kinds


def _stands_as_name(text: str, register: Register) -> bool:
    # Only where an ordinary word of the register was found: its patterns take long to compile.
    from sandbox.deid.text_register import register_finder  # noqa: PLC0415

    view = view_of(text, _nowhere)
    return next(register_finder(register).spans(view.text), None) is not None


def _nowhere(_: str) -> list[tuple[int, int]]:
    return []
