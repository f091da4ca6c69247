"""The worker's two steps on a release of 1,000 labels: build and screen, then verify and seal.

The house is the small one of the release tests, in memory, with the real gate, policy, notary and
vault; labels are made and accepted one by one before the clock runs. The scan for residue knows a
register of one person.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from figures import record

TESTS = Path(__file__).resolve().parent.parent / "tests"
LABELS = 1_000


def run() -> None:
    # The tests' house and its parts stand beside each other and are no package.
    sys.path[:0] = [str(TESTS / "release"), str(TESTS / "label")]
    from release_house import ReleaseHouse  # noqa: PLC0415 - only now is it to be found

    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        house = ReleaseHouse(Path(name))
        house.opened(LABELS)
        begun = time.perf_counter()
        house.accept_all()
        accepting_s = time.perf_counter() - begun
        release = house.request()
        build_s = timed(house.work)
        for voter in (house.checker, house.steward):
            house.perform(voter, house.ballot(voter, release))
        seal_s = timed(house.work)
        assert house.release(release).state == "RELEASED"
        house.close()
    # Four acts per label: open, submit, open the review, accept.
    record("release", "acts_one_by_one_in_memory", 4 * LABELS / accepting_s, "acts/s")
    record("release", f"build_and_screen_{LABELS}_labels", build_s, "s")
    record("release", f"verify_and_seal_{LABELS}_labels", seal_s, "s")


def timed(work: Callable[[], int]) -> float:
    begun = time.perf_counter()
    assert work() == 1, "the worker found another number of steps"
    return time.perf_counter() - begun


if __name__ == "__main__":
    run()
