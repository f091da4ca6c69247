"""Any order of acts: releases move by their table only, and nothing is sealed without its votes."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from release_house import ReleaseHouse

from policies.states import RELEASE
from policies.vocabulary import ReleaseState
from sandbox.errors import SandboxError
from sandbox.records.releases import Release, Vote
from sandbox.release import commands as c

PEOPLE = ("lead", "labeller", "steward", "checker", "recipient")
VERDICTS = ("approve", "approve", "return", "reject")


def reachable(state: ReleaseState) -> set[ReleaseState]:
    """States that may follow by any number of steps within one act."""
    found, queue = {state}, [state]
    while queue:
        for after in RELEASE[queue.pop()] - found:
            found.add(after)
            queue.append(after)
    return found


class ReleaseMachine(RuleBasedStateMachine):
    """One project with an accepted label, five people, and whatever they try."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = ReleaseHouse(Path(self.folder.name))
        self.house.opened()
        self.house.accept_all()
        self.seen: dict[str, ReleaseState] = {}

    def attempt(self, act) -> None:
        size, refusal = len(self.house.entries()), None
        try:
            act()
        except SandboxError as error:
            refusal = error.code
        assert refusal != "internal-error"
        assert len(self.house.entries()) == size + 1

    def pick(self, which: int) -> str:
        rows = self.house.rows(Release)
        return rows[which % len(rows)].id

    def some(self) -> bool:
        return bool(self.house.rows(Release))

    @rule(name=st.sampled_from(PEOPLE))
    def request(self, name):
        if len(self.house.rows(Release)) < 3:
            self.attempt(lambda: self.house.request(getattr(self.house, name)))

    @precondition(some)
    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 2))
    def ask_again(self, name, which):
        release = self.pick(which)
        self.attempt(lambda: self.house.request(getattr(self.house, name), release))

    @precondition(some)
    @rule(
        name=st.sampled_from(PEOPLE),
        which=st.integers(0, 2),
        verdict=st.sampled_from(VERDICTS),
    )
    def vote(self, name, which, verdict):
        release, who = self.pick(which), getattr(self.house, name)
        self.attempt(lambda: self.house.vote(who, release, verdict))

    @precondition(some)
    @rule(
        name=st.sampled_from(PEOPLE),
        which=st.integers(0, 2),
        kind=st.sampled_from([c.WithdrawRelease, c.DownloadRelease, c.InspectRelease]),
    )
    def act(self, name, which, kind):
        command = kind(**self.house.on_release(self.pick(which)))
        self.attempt(lambda: self.house.perform(getattr(self.house, name), command))

    @precondition(some)
    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 2))
    def recall(self, name, which):
        command = c.RecallRelease(**self.house.on_release(self.pick(which)), reason="wrong")
        self.attempt(lambda: self.house.perform(getattr(self.house, name), command))

    @rule()
    def let_the_worker_work(self):
        self.house.work()

    @invariant()
    def moves_are_in_the_table(self):
        now = {row.id: row.state for row in self.house.rows(Release)}
        for release, state in now.items():
            assert state in reachable(self.seen.get(release, ReleaseState.DRAFT))
        self.seen = now

    @invariant()
    def only_voted_packages_are_sealed(self):
        for row in self.house.rows(Release):
            if row.sealed_blob is None:
                continue
            votes = [
                vote
                for vote in self.house.rows(Vote, release=row.id)
                if vote.package_digest == row.package_digest
            ]
            assert {vote.account for vote in votes} == {
                self.house.steward.account,
                self.house.checker.account,
            }
            assert {vote.verdict for vote in votes} == {"approve"}

    def teardown(self):
        self.house.close()
        self.folder.cleanup()


TestReleaseMachine = ReleaseMachine.TestCase
TestReleaseMachine.settings = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
