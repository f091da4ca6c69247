"""Values to plant: of the right form for their VR, and unique where the VR has room for it.

Source: DICOM PS3.5 6.2.
"""

import random
from datetime import date, timedelta

from corpus.people import syllables

_ROOT = "1.2.826.0.1.3680043.10.1515."
_TEXT = frozenset({"LO", "LT", "ST", "UC", "UT", "SH"})
_BYTES = frozenset({"OB", "OW", "UN"})
_NUMBERS = {"US": 16, "SS": 15, "UL": 32, "SL": 31}


class Maker:
    """Draws values; the same seed gives the same ones."""

    def __init__(self, rng: random.Random, seen: date) -> None:
        self.rng = rng
        self._seen = seen

    def uid(self) -> str:
        """A UID of nobody."""
        return _ROOT + str(self.rng.randrange(10**24, 10**25))

    def token(self) -> str:
        """A word and a number, 15 characters, that stand nowhere else."""
        return f"{syllables(self.rng, 3)}-{self.rng.randrange(10**7, 10**8)}"

    def value(self, vr: str) -> tuple[object, list[bytes]]:
        """A value for pydicom, and the bytes by which it is found anywhere; [] if it has none."""
        if vr in _TEXT:
            token = self.token()
            return token, [token.encode()]
        if vr in _BYTES:
            token = (self.token() + " ").encode()
            return token, [token.strip()]
        if vr in _NUMBERS:
            return self.rng.randrange(1000, 2 ** _NUMBERS[vr] - 1000), []
        return getattr(self, f"_{vr.lower()}")()

    def _pn(self) -> tuple[str, list[bytes]]:
        family, given = syllables(self.rng, 5), syllables(self.rng, 4)
        return f"{family}^{given}", [family.encode(), given.encode()]

    def _ui(self) -> tuple[str, list[bytes]]:
        uid = self.uid()
        return uid, [uid.encode()]

    def _cs(self) -> tuple[str, list[bytes]]:
        code = self.token().upper().replace("-", "_")
        return code, [code.encode()]

    _ae = _cs

    def _ur(self) -> tuple[str, list[bytes]]:
        token = self.token()
        return f"https://pacs.example/{token}", [token.encode()]

    def day(self) -> date:
        """A day in the subject's life."""
        return self._seen - timedelta(self.rng.randrange(3000))

    def clock(self) -> str:
        """A time of day, to the microsecond, so that it is unique."""
        rng = self.rng
        hour, minute, second = rng.randrange(1, 24), rng.randrange(60), rng.randrange(1, 60)
        return f"{hour:02}{minute:02}{second:02}.{rng.randrange(10**5, 10**6)}"

    def _da(self) -> tuple[str, list[bytes]]:
        return f"{self.day():%Y%m%d}", []

    def _tm(self) -> tuple[str, list[bytes]]:
        clock = self.clock()
        return clock, [clock.encode()]

    def _dt(self) -> tuple[str, list[bytes]]:
        moment = f"{self.day():%Y%m%d}{self.clock()}"
        return moment, [moment.encode()]

    def _as(self) -> tuple[str, list[bytes]]:
        return f"{self.rng.randrange(13, 99):03}W", []

    def _is(self) -> tuple[str, list[bytes]]:
        number = str(self.rng.randrange(10**8, 10**9))
        return number, [number.encode()]

    def _ds(self) -> tuple[str, list[bytes]]:
        number = f"{self.rng.randrange(10**5, 10**6)}.{self.rng.randrange(10**5, 10**6)}"
        return number, [number.encode()]

    def _fd(self) -> tuple[float, list[bytes]]:
        return self.rng.uniform(1, 1000), []

    _fl = _fd
