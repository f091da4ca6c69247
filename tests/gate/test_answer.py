"""The answer that a caller waits for: given once, whatever the threads do meanwhile."""

import threading

import pytest

from sandbox.acts import Receipt
from sandbox.errors import LedgerUnavailable
from sandbox.gate.writer import Answer

RECEIPT = Receipt("platform", 0, b"", "", {})


def test_answer_is_done_while_its_caller_takes_it():
    answer = Answer()
    seen: list[bool] = []

    def make() -> Receipt:
        seen.append(answer.done())  # here the caller holds what it waited for
        return RECEIPT

    answer.give(make)

    assert answer.result() is RECEIPT
    assert seen == [True]


def test_answer_is_there_for_everyone_who_waits():
    answer = Answer()
    taken: list[Receipt] = []
    waiting = [threading.Thread(target=lambda: taken.append(answer.result())) for _ in range(4)]
    for each in waiting:
        each.start()
    assert not answer.done()

    answer.give(lambda: RECEIPT)
    for each in waiting:
        each.join()

    assert taken == [RECEIPT] * 4


def test_refusal_is_raised_where_it_is_awaited():
    answer = Answer()
    answer.refuse(LedgerUnavailable())

    assert answer.done()
    with pytest.raises(LedgerUnavailable):
        answer.result()
