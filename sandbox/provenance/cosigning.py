"""Collecting cosignatures: each published head goes to the witnesses, their lines come under it.

- Everything needed is published: head and hash tiles. No entry is read, no key is at hand.
- All witnesses are asked at once, and one that is silent is asked less and less often: the others'
  quorum does not wait for it.
- A line counts only when it verifies by the key in the policy, over exactly this head.
- Nothing waits for witnesses but releases: labelling never knows of them.
- A witness that refuses to go on from what it cosigned has seen two histories, or its own loss:
  that is told as loudly as can be.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from crypto.addcheckpoint import format_request, lines_of
from crypto.errors import VerificationError
from crypto.note import VerifierKey, split_note
from crypto.tiletree import TileTree
from crypto.tlogpolicy import WitnessPolicy, open_witnessed
from crypto.treehead import Checkpoint, parse_decimal
from sandbox.errors import LedgerHalted, Unavailable
from sandbox.provenance.publishing import CHECKPOINT, head_of

FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 60.0
_OK, _CONFLICT, _UNPROCESSABLE = 200, 409, 422
_log = logging.getLogger("anbiao.witnesses")


@dataclass(frozen=True)
class WitnessAnswer:
    """What came back; `sized` says that the body is the size that was cosigned last."""

    status: int
    text: str
    sized: bool = False


class Publishing(Protocol):
    """The publisher, as far as cosignatures need it."""

    def add_cosignatures(self, ledger: str, note: str, *, witnessed: bool) -> None:
        """Put a head with its cosignatures in the place of the same head without."""
        ...


@dataclass
class _Standing:
    """How one witness has been answering."""

    sizes: dict[str, int] = field(default_factory=dict)  # last known cosigned size, by ledger
    error: str | None = None
    delay_s: float = 0.0
    again_at: float = 0.0


@dataclass
class Cosigning:
    """Asks the witnesses of one policy about all published logs; one thread at a time.

    Args:
        log: the published folder.
        publisher: what puts cosigned heads there.
        policy: whom to ask; a witness without an address is not asked.
        ask: sends a request to an address.
        monotonic: a clock that never runs backwards, in seconds.
    """

    log: Path
    publisher: Publishing
    policy: WitnessPolicy
    ask: Callable[[str, bytes], WitnessAnswer]
    monotonic: Callable[[], float]
    _standings: dict[str, _Standing] = field(default_factory=dict, init=False)
    _settled: dict[str, str] = field(default_factory=dict, init=False)  # heads that all cosigned

    def turn(self) -> None:
        """Ask about every log whose head not all witnesses cosigned yet."""
        for ledger in self._ledgers():
            try:
                self._collect(ledger)
            except (OSError, LedgerHalted, Unavailable, VerificationError) as error:
                # Published files are made again from the ledger; the next turn finds them whole.
                _log.warning("cosignatures of %s wait: %s", ledger, type(error).__qualname__)

    def standing(self) -> Mapping[str, str | None]:
        """Each witness's address, and what was wrong with its last answer."""
        urls = self._addresses()
        return {url: self._standings.setdefault(url, _Standing()).error for url in sorted(urls)}

    def _ledgers(self) -> Iterator[str]:
        for folder in sorted(self.log.iterdir()):
            if not folder.name.startswith(".") and (folder / CHECKPOINT).exists():
                yield folder.name

    def _addresses(self) -> dict[str, list[VerifierKey]]:
        found: dict[str, list[VerifierKey]] = {}
        for party in self.policy.witnesses.values():
            if party.url is not None:
                found.setdefault(party.url, []).append(party.key)
        return found

    def _collect(self, ledger: str) -> None:
        note = (self.log / ledger / CHECKPOINT).read_text(encoding="utf-8")
        asked = _Question(self.log / ledger, note, head_of(note))
        if self._settled.get(ledger) == asked.head.text():
            return
        due = {
            url: keys
            for url, keys in self._addresses().items()
            if self._standings.setdefault(url, _Standing()).again_at <= self.monotonic()
        }
        lines = self._answers(asked, due)
        if not lines:
            return
        cosigned = _merged(note, lines)
        witnessed = open_witnessed(cosigned, self.policy) is not None
        self.publisher.add_cosignatures(ledger, cosigned, witnessed=witnessed)
        if all(self._standings[url].error is None for url in self._addresses()):
            self._settled[ledger] = asked.head.text()

    def _answers(self, asked: "_Question", due: Mapping[str, Sequence[VerifierKey]]) -> list[str]:
        """The lines of all witnesses that answer now."""
        if not due:
            return []
        with ThreadPoolExecutor(max_workers=len(due)) as pool:
            tries = [pool.submit(self._try, asked, url, keys) for url, keys in due.items()]
            return [line for each in tries for line in each.result()]

    def _try(self, asked: "_Question", url: str, keys: Sequence[VerifierKey]) -> list[str]:
        standing = self._standings[url]
        try:
            lines = self._cosigned(standing, asked, url, keys)
        except (Unavailable, VerificationError) as error:
            if standing.error != error.code:
                _log.warning("witness %s: %s", url, error.code)
            standing.error = error.code
            standing.delay_s = min(2 * standing.delay_s or FIRST_DELAY_S, LONGEST_DELAY_S)
            standing.again_at = self.monotonic() + standing.delay_s
            return []
        standing.error, standing.delay_s = None, 0.0
        return lines

    def _cosigned(
        self, standing: _Standing, asked: "_Question", url: str, keys: Sequence[VerifierKey]
    ) -> list[str]:
        """One witness's lines.

        Raises:
            Unavailable: it is silent, refuses, or cosigned a larger head.
            VerificationError: a line is wrong.
        """
        ledger = asked.folder.name
        answer = self.ask(url, asked.request(standing.sizes.get(ledger, 0)))
        if answer.status == _CONFLICT and answer.sized:
            # What we remember is old: the witness tells its size, and is asked once more.
            standing.sizes[ledger] = parse_decimal(answer.text.removesuffix("\n"))
            answer = self.ask(url, asked.request(standing.sizes[ledger]))
        if answer.status == _UNPROCESSABLE:
            _log.critical("witness %s: %s does not go on from what it cosigned", url, ledger)
        if answer.status != _OK:
            raise Unavailable("witness-refuses", f"a witness answers {answer.status}")
        lines = lines_of(answer.text, asked.note, keys)
        standing.sizes[ledger] = asked.head.size
        return lines


@dataclass(frozen=True)
class _Question:
    """One head of one log, to be cosigned."""

    folder: Path
    note: str
    head: Checkpoint

    def request(self, old: int) -> bytes:
        """The request for a witness that cosigned `old` last.

        Raises:
            Unavailable: `witness-ahead`: it cosigned a larger head than the one published.
        """
        if old > self.head.size:
            raise Unavailable("witness-ahead", "a witness cosigned a larger head than this one")
        tree = TileTree(self.head.size, lambda name: (self.folder / name).read_bytes())
        return format_request(old, tree.consistency(old), self.note)


def _merged(note: str, lines: Sequence[str]) -> str:
    """The note with these lines; a cosigner's older line makes way for its newer one."""
    text, _, old = note.partition("\n\n")
    fresh = {_who(line): line for line in lines}
    kept = [line for line in old.splitlines(keepends=True) if _who(line) not in fresh]
    return f"{text}\n\n{''.join([*kept, *fresh.values()])}"


def _who(line: str) -> tuple[str, bytes]:
    """Name and key id of a signature line."""
    _, ((name, key_id, _),) = split_note(f"-\n\n{line}")
    return name, key_id
