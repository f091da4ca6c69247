"""The hospital's side of a deposit: name files, seal them locally, send what the server lacks.

1. Keys count only when they are the worker's (`intake`).
2. Each file is named by its content (`batch`); what the dataset has already is left out, so that
   two clients with one batch make one deposit, and a second run finds nothing to do.
3. The rest is sealed into a spool (`sealer`, `spool`), at most so many files at a time, and sent
   from there (`sending`). The spool holds ciphertext only; no file key outlives the sealing.
4. Killed at any moment, the next run goes on: finished deposits in the spool are sent, a begun
   one is sealed to its end.
5. Files that another client is bringing are waited for; when nothing has been heard of it for a
   while, its deposit is abandoned and its files are brought by this one.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.client import spool as spooling
from api.client.batch import Named, Namer, Source
from api.client.errors import ClientError
from api.client.folders import CHANGED, Found, LeftOut
from api.client.http import Door, Json
from api.client.intake import trusted_intake_key
from api.client.keys import PersonKeys
from api.client.manifest import (
    IntakeKey,
)
from api.client.parts import parts, seal_part
from api.client.sealer import Sealer, sealer
from api.client.sending import Progress, send, silent
from api.client.spool import forget

__all__ = [
    "Source",
    "Summary",
    "Watch",
    "deposit_files",
    "finish",
    "forget",
    "seal_folder",
    "send",
    "trusted_intake_key",
]

PATIENCE_S: Final = 60.0
"""So long another client's silence is borne, and longer where the house says so."""

_ASKED_AT_ONCE: Final = 500
_TRIES: Final = 4
_MOST_ROUNDS: Final = 50
_LOOK_S: Final = 1.0
_REPLANNED: Final = frozenset(
    {"deposit-abandoned", "objects-announced", "objects-deposited", "spool-damaged"}
)


def _unheard(_said: str) -> None:
    return


@dataclass(frozen=True)
class Watch:
    """Who looks on: `tell` hears of progress, `note` sentences, `patience_s` is for others."""

    tell: Progress = silent
    note: Callable[[str], None] = _unheard
    patience_s: float = PATIENCE_S


@dataclass
class Summary:
    """What came of a run.

    Attributes:
        sent: the answers to the deposits that were completed.
        before: how many files the dataset had already.
        left_out: what was not taken, and why.
    """

    sent: list[Json] = field(default_factory=list)
    before: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """Where a deposit goes, and by whose keys."""

    door: Door
    key: IntakeKey
    keys: PersonKeys
    spool: Path

    @property
    def path(self) -> str:
        return f"/hospitals/{self.key.ledger}/datasets/{self.key.dataset}"


def deposit_files(
    door: Door, source: Source, key: IntakeKey, keys: PersonKeys, spool: Path, watch: Watch
) -> Summary:
    """Bring every file of `source` into the dataset, once; go on where a former run stopped.

    Raises:
        ClientError: the server refused or can't be reached; the same call goes on from there.
        OSError: the spool can't be written.
    """
    place = _Place(door, key, keys, spool)
    summary = Summary(left_out=list(source.left_out))
    with _used(spool, watch), sealer() as pool:
        _finish(place, summary, watch)
        names = _named(source, key, summary, watch)
        _Run(place, source, watch, summary, pool).bring(names)
    return summary


def finish(door: Door, spool: Path, watch: Watch) -> Summary:
    """Send what lies finished in the spool, whatever dataset it is for.

    Raises:
        ClientError: the server refused or can't be reached.
    """
    summary = Summary()
    with _used(spool, watch):
        for folder in spooling.finished(spool):
            summary.sent.append(send(door, folder, watch.tell))
            forget(folder)
    return summary


def seal_folder(
    source: Source, key: IntakeKey, keys: PersonKeys, spool: Path, progress: Progress = silent
) -> list[Path]:
    """Seal everything into `spool` without asking a server; the deposits' folders.

    Raises:
        ClientError: `file-changed`: a file can't be taken as it is.
        OSError: the spool can't be written.
    """
    watch, summary = Watch(progress), Summary()
    names = _named(source, key, summary, watch)
    made = []
    with sealer() as pool:
        for part in parts(names):
            folder = spooling.begun(spool, key)
            rest = seal_part(folder, part, source, (key, keys), pool, watch.tell)
            if rest or summary.left_out:
                raise ClientError("file-changed", "a file can't be taken as it is")
            made.append(folder.path)
    return made


def _used(spool: Path, watch: Watch) -> AbstractContextManager[None]:
    return spooling.only_user(
        spool, lambda: watch.note("another deposit runs from this home: waiting for it")
    )


def _finish(place: _Place, summary: Summary, watch: Watch) -> None:
    """Send what a former run had sealed to its end."""
    for folder in spooling.finished(place.spool, place.key.ledger, place.key.dataset):
        watch.note(f"going on with deposit {folder.name}")
        _deliver(place, folder, summary, watch)


def _deliver(place: _Place, folder: Path, summary: Summary, watch: Watch) -> bool:
    """Send a finished deposit; false for one that others overtook: its files are asked for anew."""
    try:
        answer: Json | None = send(place.door, folder, watch.tell)
    except ClientError as error:
        if error.code not in _REPLANNED:
            raise
        watch.note(f"deposit {folder.name}: {error.message}")
        if error.code == "spool-damaged":
            _abandon(place, folder.name)
        answer = None
    if answer is not None:
        summary.sent.append(answer)
    forget(folder)
    return answer is not None


def _abandon(place: _Place, deposit: str) -> None:
    try:
        place.door.create(f"{place.path}/deposits/{deposit}/abandon", {})
    except ClientError as error:
        # Somebody was quicker: it is complete, or abandoned, and that is what we wanted to know.
        # Or its client is back: then it is waited for.
        if error.code not in {"deposit-abandoned", "deposit-complete", "deposit-in-use"}:
            raise


def _named(source: Source, key: IntakeKey, summary: Summary, watch: Watch) -> list[Named]:
    total = 0
    for found in source.files:
        try:
            total += found.path.lstat().st_size
        except OSError:
            continue  # reading it says why
    done = 0

    def tell(size: int) -> None:
        nonlocal done
        done += size
        watch.tell("name", done, max(total, done))

    return list(Namer(source, key).all(summary.left_out.append, tell))


@dataclass(frozen=True)
class _Run:
    """One run over one batch."""

    place: _Place
    source: Source
    watch: Watch
    summary: Summary
    sealer: Sealer
    brought: set[str] = field(default_factory=set)

    def bring(self, names: Sequence[Named]) -> None:
        """Bring files until the dataset has every one of them.

        Raises:
            ClientError: `file-changed`: it does not come to an end.
        """
        wanted, tries = list(names), 0
        while wanted:
            deposited, announced = self._known(wanted)
            self.summary.before += len(deposited - self.brought)
            wanted = [n for n in wanted if n.object_id not in deposited]
            held = {i for one in announced for i in one["objects"]}
            fresh = [n for n in wanted if n.object_id not in held]
            if not fresh:
                self._await_others(announced)
                continue
            tries += 1
            if tries > _MOST_ROUNDS:
                raise ClientError("file-changed", "the files and what others send never hold still")
            changed = [named for part in parts(fresh) for named in self._bring_part(part)]
            wanted = self._anew(wanted, changed, last=tries >= _TRIES)

    def _bring_part(self, part: list[Named]) -> list[Named]:
        """Seal and send; those files that changed meanwhile."""
        folder = spooling.begun(self.place.spool, self.place.key)
        keys = (self.place.key, self.place.keys)
        changed = seal_part(folder, part, self.source, keys, self.sealer, self.watch.tell)
        if folder.sealed:
            sealed = set(folder.sealed)
            if _deliver(self.place, folder.path, self.summary, self.watch):
                self.brought.update(sealed)
        else:
            forget(folder.path)
        return changed

    def _anew(
        self, wanted: Sequence[Named], changed: Sequence[Named], *, last: bool
    ) -> list[Named]:
        """`wanted`, with what changed read again; what does not hold still is left out."""
        gone = {named.object_id for named in changed}
        kept = [named for named in wanted if named.object_id not in gone]
        namer = Namer(self.source, self.place.key)
        for named in changed:
            again = (
                LeftOut(named.name, CHANGED) if last else namer.one(Found(named.path, named.name))
            )
            if isinstance(again, LeftOut):
                self.summary.left_out.append(again)
            else:
                kept.append(again)
        return kept

    def _known(self, names: Sequence[Named]) -> tuple[set[str], list[Json]]:
        """Ids that the dataset has, and open deposits that bring others."""
        deposited: set[str] = set()
        announced: dict[str, Json] = {}
        for start in range(0, len(names), _ASKED_AT_ONCE):
            ids = ",".join(n.object_id for n in names[start : start + _ASKED_AT_ONCE])
            answer = self.place.door.get(f"{self.place.path}/objects", ids=ids)
            deposited.update(answer["deposited"])
            for one in answer["announced"]:
                known = announced.setdefault(one["deposit"], {**one, "objects": []})
                known["objects"] = [*known["objects"], *one["objects"]]
        return deposited, list(announced.values())

    def _await_others(self, announced: Sequence[Json]) -> None:
        """Wait a moment for those who bring the rest; take over what nobody sends any more."""
        for one in announced:
            deposit, idle_s = str(one["deposit"]), float(one["idle_s"])
            if idle_s >= max(self.watch.patience_s, float(one["left_after_s"])):
                self.watch.note(f"deposit {deposit} was left {idle_s:.0f} s ago: taking over")
                _abandon(self.place, deposit)
            else:
                self.watch.note(f"deposit {deposit} brings the same files: waiting for it")
        if announced:
            self.place.door.pause(_LOOK_S)
