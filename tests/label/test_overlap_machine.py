"""Any order of acts over items with two slots: groups move as one, and nobody sees another."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from room_house import RoomHouse

from policies.states import TASK
from policies.vocabulary import Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import SandboxError
from sandbox.records.labels import Label, Lease, Review, Task
from sandbox.records.people import Membership

PEOPLE = ("labeller", "second", "third", "both", "reviewer", "inspector")
VERDICTS = ("accept", "return", "adjudicate", "decide")
TOGETHER = {TaskState.IN_REVIEW, TaskState.ADJUDICATION}


class OverlapMachine(RuleBasedStateMachine):
    """Two items of two slots; three labellers, one of whom reviews as well; one may leave."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = RoomHouse(Path(self.folder.name))
        self.house.opened(items=2, project={"overlap": 2})
        own = project_domain(self.house.project)
        self.second = self.house.another(Role.LABELLER, own, "firm:one")
        self.third = self.house.another(Role.LABELLER, own, "firm:one")
        self.both = self.house.another(Role.REVIEWER, own, "firm:one", key=self.second.key)
        self.inspector = self.house.another(Role.INSPECTOR, own, "firm:one")
        self.tasks = sorted(row.id for row in self.house.rows(Task))
        self.seen = self.states()

    def states(self) -> dict[str, TaskState]:
        return {row.id: row.state for row in self.house.rows(Task)}

    def who(self, name: str):
        return getattr(self, name, None) or getattr(self.house, name)

    def attempt(self, act) -> None:
        size = len(self.house.entries())
        refusal = None
        try:
            act()
        except SandboxError as error:
            refusal = error.code
        assert refusal != "internal-error"
        assert len(self.house.entries()) == size + 1

    @rule(name=st.sampled_from(PEOPLE[:4]))
    def take_next(self, name):
        self.attempt(lambda: self.house.open_task(self.who(name)))

    @rule(name=st.sampled_from(PEOPLE[:4]))
    def label_next(self, name):
        """Both steps at once, so that a run of few steps gets as far as reviews."""
        try:
            given = self.house.open_task(self.who(name)).reply
        except SandboxError:
            return
        self.attempt(
            lambda: self.house.submit(self.who(name), str(given["task"]), int(given["version"]))
        )

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 3))
    def open_task(self, name, which):
        self.attempt(lambda: self.house.open_task(self.who(name), self.tasks[which]))

    @rule(name=st.sampled_from(PEOPLE[:4]), which=st.integers(0, 3))
    def submit(self, name, which):
        task = self.house.row(Task, self.tasks[which])
        self.attempt(lambda: self.house.submit(self.who(name), task.id, task.version))

    @rule(name=st.sampled_from(PEOPLE[3:]))
    def review_next(self, name):
        self.attempt(lambda: self.house.open_review(self.who(name)))

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 3))
    def open_review(self, name, which):
        self.attempt(lambda: self.house.open_review(self.who(name), self.tasks[which]))

    @rule(
        name=st.sampled_from(PEOPLE[3:]),
        which=st.integers(0, 3),
        verdict=st.sampled_from(VERDICTS),
    )
    def judge(self, name, which, verdict):
        said = {"classes": ["none"]} if verdict == "decide" else None
        task = self.tasks[which]
        self.attempt(lambda: self.house.judge(self.who(name), task, verdict, "because", said))

    @rule(which=st.integers(0, 3))
    def reopen(self, which):
        self.attempt(lambda: self.house.reopen(self.house.reviewer, self.tasks[which], "because"))

    @precondition(lambda self: self.house.rows(Membership, account=self.third.account))
    @rule()
    def third_leaves(self):
        for membership in self.house.rows(Membership, account=self.third.account):
            if membership.revoked_at is None:
                self.house.revoke(membership.id)
        self.house.work()

    @rule()
    def let_leases_run_out(self):
        self.house.clock.advance(seconds=901)
        self.house.work()

    def groups(self) -> list[list[Task]]:
        items: dict[str, list[Task]] = {}
        for task in self.house.rows(Task):
            items.setdefault(task.item, []).append(task)
        return list(items.values())

    @invariant()
    def moves_are_in_the_table(self):
        now = self.states()
        for task, state in now.items():
            before = self.seen[task]
            steps = TASK[before] | {f for s in TASK[before] for f in TASK[s]}
            assert state is before or state in steps
        self.seen = now

    @invariant()
    def a_group_is_reviewed_as_one_and_only_when_complete(self):
        for group in self.groups():
            states = {task.state for task in group}
            if states & TOGETHER:
                assert len(states) == 1
                assert len({task.lease for task in group}) == 1
            if states & {TaskState.LOCKED, TaskState.SET_ASIDE}:
                assert sorted(states) == [TaskState.LOCKED, TaskState.SET_ASIDE]
            if states & {*TOGETHER, TaskState.LOCKED}:
                assert all(task.version and task.label for task in group)

    @invariant()
    def slots_are_of_different_people_and_judges_are_others(self):
        one_person = {self.both.account: self.second.account}
        for group in self.groups():
            writers = []
            for task in group:
                labels = self.house.labels(task.id)
                decided = {r.label for r in self.house.rows(Review, task=task.id)
                           if r.verdict == "decide"}  # fmt: skip
                writers.append(
                    {one_person.get(x.author, x.author) for x in labels if x.id not in decided}
                )
            assert not writers[0] & writers[1]
            judges = {
                one_person.get(r.reviewer, r.reviewer)
                for task in group
                for r in self.house.rows(Review, task=task.id)
            }
            assert not judges & (writers[0] | writers[1])

    @invariant()
    def a_live_lease_has_its_tasks(self):
        live = {row.id for row in self.house.rows(Lease, ended_at=None)}
        assert {task.lease for task in self.house.rows(Task) if task.lease} == live

    @invariant()
    def versions_are_kept(self):
        for task in self.house.rows(Task):
            assert [x.version for x in self.house.labels(task.id)] == [*range(1, task.version + 1)]
        assert len(self.house.rows(Label)) == sum(t.version for t in self.house.rows(Task))

    def teardown(self):
        self.house.close()
        self.folder.cleanup()


TestOverlapMachine = pytest.mark.requirement("R41")(OverlapMachine.TestCase)
OverlapMachine.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
