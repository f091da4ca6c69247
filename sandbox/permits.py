"""The hospital's permits as the verified log has them: the worker rests on this, never on rows.

- A project is permitted by the newest act on its permit that a steward signed: an issue opens a
  window on one dataset, a revocation closes it (R13).
- An act on a permit by anybody else opens nothing, and closes what was open: whoever could write
  such an entry could have dropped others.
- Each entry is looked at once; one object per worker's thread.

Source: docs/spec/provenance-log.md, clause 4.5.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from policies.vocabulary import Action, Role
from sandbox.acts import HOSPITAL_DOMAIN
from sandbox.enclave import History
from sandbox.errors import VerificationFailed
from sandbox.trust import Entry

_ACTS: Final = (Action.PERMIT_ISSUE, Action.PERMIT_REVOKE)


@dataclass(frozen=True)
class _Window:
    """From when until when a project may be worked on, on one dataset."""

    dataset: str
    opens_at: datetime
    closes_at: datetime


class SignedPermits:
    """The permits of all projects of all ledgers, by their logs."""

    def __init__(self) -> None:
        self._read: dict[str, int] = {}  # by ledger: how many entries
        self._open: dict[tuple[str, str], _Window] = {}  # by ledger and project

    def require(self, history: History, ledger: str, place: tuple[str, str], now: datetime) -> None:
        """Nothing, when `place`, a project and its dataset, is permitted at `now`.

        Raises:
            VerificationFailed: `permit-unproved`.
        """
        self._read_on(history, ledger)
        project, dataset = place
        window = self._open.get((ledger, project))
        if (
            window is None
            or window.dataset != dataset
            or not window.opens_at <= now < window.closes_at
        ):
            raise VerificationFailed("permit-unproved", "no signed permit is in force")

    def _read_on(self, history: History, ledger: str) -> None:
        for entry in history.since(self._read.get(ledger, 0)):
            if entry["action"] in _ACTS and entry["refusal"] is None:
                self._take(history, ledger, entry)
            self._read[ledger] = entry["index"] + 1

    def _take(self, history: History, ledger: str, entry: Entry) -> None:
        said = entry["signed"]  # the walk saw to it that these acts are signed
        place = (ledger, str(said["objects"].get("project")))
        self._open.pop(place, None)
        if entry["action"] == Action.PERMIT_ISSUE and _by_steward(history, entry):
            window = _window(said)
            if window is not None:
                self._open[place] = window


def _window(said: Entry) -> _Window | None:
    """What a steward signed, when it is a window at all."""
    try:
        return _Window(
            said["objects"]["dataset"],
            _moment(said["terms"]["valid_from"]),
            _moment(said["terms"]["valid_until"]),
        )
    except (KeyError, ValueError):
        return None


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def _by_steward(history: History, entry: Entry) -> bool:
    held = history.holder(entry["actor"], entry["index"])
    return any(h.role == Role.STEWARD and h.domain == HOSPITAL_DOMAIN for h in held)
