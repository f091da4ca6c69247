"""Evidence packs, fetched by whoever may have them and kept as a file."""

from pathlib import Path

from api.client.http import Door


def export(door: Door, ledger: str, dataset: str, out: Path) -> int:
    """Fetch the evidence on a dataset into `out`; its size in bytes. The export is in the log.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    path = f"/hospitals/{ledger}/datasets/{dataset}/evidence"
    pack = door.create_bytes(path, {})
    beside = out.with_name(f".{out.name}.part")
    beside.write_bytes(pack)
    beside.replace(out)
    return len(pack)
