"""Evidence packs and reports, fetched by whoever may have them."""

from pathlib import Path

from api.client.http import Door, Json
from crypto.verifier import Scope


def export(door: Door, ledger: str, scope: Scope, out: Path) -> int:
    """Fetch the evidence on something into `out`; its size in bytes. The export is in the log.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    path, form = f"/hospitals/{ledger}", {}
    if scope.kind == "period":
        path, form = f"{path}/evidence", {"from": scope.start, "until": scope.stop}
    else:
        path = f"{path}/{scope.kind}s/{scope.name}/evidence"
    pack = door.create_bytes(path, form)
    beside = out.with_name(f".{out.name}.part")
    beside.write_bytes(pack)
    beside.replace(out)
    return len(pack)


def who_saw(door: Door, ledger: str, subject: str) -> Json:
    """Who was let see anything of a subject; that it was asked is in the log.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    return door.post(f"/hospitals/{ledger}/subjects/{subject}/report", {})
