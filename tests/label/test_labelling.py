from policies.vocabulary import TaskState
from sandbox.records.labels import Task


def test_a_label_is_made_reviewed_and_locked(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)

    house.judge(house.reviewer, task, "accept")

    assert house.row(Task, task).state is TaskState.LOCKED
