"""Parts of a batch: as many files as one deposit takes, sealed to its end and announced."""

import base64
import secrets
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Final

from api.client.batch import Named, Source
from api.client.enrolment import signed_body
from api.client.keys import PersonKeys
from api.client.manifest import (
    Entry,
    IntakeKey,
    SealedObject,
    inner_manifest,
    outer_manifest,
    seal_object,
)
from api.client.sealer import Job, Sealer
from api.client.sending import Progress
from api.client.spool import Folder, SealedRow

MOST_FILES: Final = 2_000
"""Files in one deposit; the outer manifest of more would not fit one request."""

PART_BYTES: Final = 2**32
"""Bytes in one deposit, unless a single file has more: so much room the spool takes."""


def parts(names: Iterable[Named]) -> Iterator[list[Named]]:
    """Files in groups that make one deposit each, in their order."""
    part: list[Named] = []
    weight = 0
    for named in names:
        if part and (len(part) == MOST_FILES or weight + named.size > PART_BYTES):
            yield part
            part, weight = [], 0
        part.append(named)
        weight += named.size
    if part:
        yield part


def seal_part(
    folder: Folder,
    part: Sequence[Named],
    source: Source,
    keys: tuple[IntakeKey, PersonKeys],
    pool: Sealer,
    progress: Progress,
) -> list[Named]:
    """Seal a part to its end; the files that were not as they had been read."""
    key, own = keys
    folder.keep_only(frozenset(named.object_id for named in part))
    jobs = [
        Job(named, key, folder.deposit, folder.object_path(named.object_id))
        for named in part
        if named.object_id not in folder.sealed
    ]
    total, changed = sum(named.size for named in part), []
    done = total - sum(job.named.size for job in jobs)
    for one in pool.each(jobs):
        if one.row is None:
            changed.append(one.named)
        else:
            folder.keep(one.row)
        done += one.named.size
        progress("seal", done, total)
    if folder.sealed:
        sealed = [named for named in part if named.object_id in folder.sealed]
        folder.announce(_announcement(folder, sealed, source, key, own))
    return changed


def _announcement(
    folder: Folder, part: Sequence[Named], source: Source, key: IntakeKey, keys: PersonKeys
) -> dict[str, object]:
    """The signed act that opens the deposit, once its inner manifest is sealed, too."""
    deposit = folder.deposit
    entries = [
        Entry(_object(named, folder.sealed[named.object_id]), named.name, named.subject)
        for named in part
    ]
    listed = inner_manifest(key.dataset, deposit, entries, source.register)
    with folder.object_path(deposit).open("wb") as sink:
        inner = seal_object(BytesIO(listed), len(listed), sink, key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner, [entry.sealed for entry in entries])
    objects = {"dataset": key.dataset, "deposit": deposit}
    terms = {"manifest": f"sha256:{sha256(manifest).hexdigest()}"}
    body = {
        "deposit": deposit,
        "manifest": base64.b64encode(manifest).decode(),
        **signed_body(keys, key.ledger, "deposit.open", objects, terms),
    }
    return {
        "ledger": key.ledger,
        "dataset": key.dataset,
        "request_key": secrets.token_urlsafe(24),
        "body": body,
    }


def _object(named: Named, row: SealedRow) -> SealedObject:
    return SealedObject(
        object_id=row.object_id,
        padded_size=row.padded_size,
        body_sha256=row.body_sha256,
        header_sha256=row.header_sha256,
        content_sha256=named.content_sha256,
        content_size=named.size,
    )
