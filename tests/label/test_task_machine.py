"""Any order of acts: tasks move by their table only, and every act is one entry."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from room_house import RoomHouse

from policies.states import TASK
from policies.vocabulary import TaskState
from sandbox.errors import SandboxError
from sandbox.records.labels import Label, Lease, Review, Task

PEOPLE = ("labeller", "reviewer", "lead")


class TaskMachine(RuleBasedStateMachine):
    """Two tasks, three people, and whatever they try."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = RoomHouse(Path(self.folder.name))
        self.house.opened(items=2)
        self.tasks = sorted(row.id for row in self.house.rows(Task))
        self.seen = self.states()

    def states(self) -> dict[str, TaskState]:
        return {row.id: row.state for row in self.house.rows(Task)}

    def attempt(self, act) -> None:
        size = len(self.house.entries())
        refusal = None
        try:
            act()
        except SandboxError as error:
            refusal = error.code
        assert refusal != "internal-error"
        assert len(self.house.entries()) == size + 1

    def who(self, name: str):
        return getattr(self.house, name)

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 1))
    def open_task(self, name, which):
        self.attempt(lambda: self.house.open_task(self.who(name), self.tasks[which]))

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 1), back=st.integers(0, 1))
    def submit(self, name, which, back):
        task = self.tasks[which]
        version = max(0, self.house.row(Task, task).version - back)
        self.attempt(lambda: self.house.submit(self.who(name), task, version))

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 1))
    def open_review(self, name, which):
        self.attempt(lambda: self.house.open_review(self.who(name), self.tasks[which]))

    @rule(
        name=st.sampled_from(PEOPLE),
        which=st.integers(0, 1),
        verdict=st.sampled_from(["accept", "return"]),
    )
    def judge(self, name, which, verdict):
        task = self.tasks[which]
        self.attempt(lambda: self.house.judge(self.who(name), task, verdict, "because"))

    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 1))
    def reopen(self, name, which):
        self.attempt(lambda: self.house.reopen(self.who(name), self.tasks[which], "because"))

    @precondition(lambda self: self.house.rows(Lease))
    @rule(name=st.sampled_from(PEOPLE), which=st.integers(0, 20))
    def close(self, name, which):
        leases = self.house.rows(Lease)
        lease = leases[which % len(leases)].id
        self.attempt(lambda: self.house.close_lease(self.who(name), lease))

    @rule()
    def let_leases_run_out(self):
        self.house.clock.advance(seconds=901)
        self.house.work()

    @invariant()
    def moves_are_in_the_table(self):
        now = self.states()
        for task, state in now.items():
            before = self.seen[task]
            # Accepting passes through ACCEPTED within one act.
            steps = TASK[before] | {f for s in TASK[before] for f in TASK[s]}
            assert state is before or state in steps
        self.seen = now

    @invariant()
    def a_lease_and_its_task_agree(self):
        live = {row.id for row in self.house.rows(Lease, ended_at=None)}
        for task in self.house.rows(Task):
            working = task.state in {TaskState.LEASED, TaskState.IN_REVIEW}
            assert (task.lease in live) is working

    @invariant()
    def nobody_judges_their_own_label(self):
        authors = {row.id: row.author for row in self.house.rows(Label)}
        for review in self.house.rows(Review):
            assert authors[review.label] != review.reviewer

    @invariant()
    def versions_are_kept(self):
        for task in self.house.rows(Task):
            versions = [row.version for row in self.house.labels(task.id)]
            assert versions == list(range(1, task.version + 1))

    def teardown(self):
        self.house.close()
        self.folder.cleanup()


TestTaskMachine = pytest.mark.requirement("R38")(TaskMachine.TestCase)
TaskMachine.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
