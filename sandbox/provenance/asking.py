"""What a ledger's published log says, by the regulators' own reader.

The server answers from what it published, read and checked by `crypto.verifier`: the same answers
that whoever takes a pack away gets from it offline. Rows are not asked.

The log's keys are those that it names itself: the server doesn't pin its own log. Whoever does
not believe the server takes a pack and brings a pinned key.
"""

from collections.abc import Mapping
from pathlib import Path

from crypto.verifier import (
    Broken,
    CannotTell,
    Chronicle,
    Folder,
    Grounds,
    Inquiry,
    Pins,
    Scope,
    parse_keys_file,
    parse_table,
    read_story,
    verify_log,
)
from sandbox.errors import NotFound, VerificationFailed


def ask(
    log: Path,
    tables: Mapping[str, bytes],
    scope: Scope,
    salt: bytes | None = None,
    passports: int = -1,
) -> Inquiry:
    """What answers questions about a part of a published log.

    Args:
        log: the ledger's published folder, which must stand still meanwhile.
        tables: decision tables by `sha256:<hex>`.
        scope: what is asked about.
        salt: what opens the log's commitments to a subject, if that is asked about.
        passports: how many passports go along, -1 where none can.

    Raises:
        NotFound: nothing is published, or the log tells nothing of what is asked about.
        VerificationFailed: `log-differs`: the published log does not hold.
    """
    source, told = Folder(log), Chronicle()
    if not (log / "checkpoint").is_file():
        raise NotFound("log-missing", "nothing is published yet")
    try:
        pins = Pins(parse_keys_file(source.read("keys"), None, "keys"))
        found = verify_log(source, pins)
        parsed = {digest: parse_table(octets, digest) for digest, octets in tables.items()}
        story = read_story(found, pins, parsed, told)
        if not told.knows(scope):
            raise NotFound
        grounds = Grounds(tables=len(parsed), salt=salt, passports=passports)
        return Inquiry(found, story, told, scope, grounds)
    except (Broken, CannotTell) as error:
        raise VerificationFailed("log-differs", "the published log does not hold") from error
