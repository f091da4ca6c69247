"""What opens the log about a subject goes with its erasure, and the log says that it went."""

import pytest
from enclave_house import LEDGER
from erasing_house import ANNA, BEN, ErasingHouse

from crypto.verifier import LISTED, NO, NOT_RECORDED, YES, Scope
from policies.decision import CasbinDecisionPoint
from sandbox.errors import NotFound
from sandbox.exchange import subject_name
from sandbox.provenance.asking import ask


def inquiry(house: ErasingHouse, scope: Scope, salt: bytes | None = None):
    table = CasbinDecisionPoint().table
    return ask(house.folder / "log" / LEDGER, {table.digest: table.encoded}, scope, salt)


def deleted(house: ErasingHouse, scope: Scope) -> str:
    (answer,) = [one for one in inquiry(house, scope).answers() if one.name == "deleted"]
    return answer.verdict


@pytest.mark.requirement("R72")
@pytest.mark.requirement("R76")
def test_what_opens_the_log_about_somebody_goes_with_them_and_stays_for_others(house):
    world = house.labelled()
    anna, ben = world.by_mrn[ANNA].subject, world.by_mrn[BEN].subject
    salt = house.serving.key(subject_name(anna))
    assert len(inquiry(house, Scope("subject", anna), salt).items[1]) == 1

    house.erased(world.dataset, ANNA)
    house.rotated()

    with pytest.raises(NotFound):
        house.serving.key(subject_name(anna))
    kept = house.serving.key(subject_name(ben))  # moved to the new pair
    assert len(inquiry(house, Scope("subject", ben), kept).items[1]) == 1
    assert inquiry(house, Scope("subject", anna)).unlinked() == 2


@pytest.mark.requirement("R76")
def test_the_log_answers_whether_somebody_was_deleted(house):
    world = house.labelled()
    anna, ben = (Scope("subject", world.by_mrn[who].subject) for who in (ANNA, BEN))
    assert deleted(house, anna) == NOT_RECORDED

    house.erased(world.dataset, ANNA)

    assert (deleted(house, anna), deleted(house, ben)) == (YES, NO)
    assert deleted(house, Scope("dataset", world.dataset)) == LISTED


@pytest.mark.requirement("R76")
def test_whoever_is_in_an_erased_dataset_was_deleted(house):
    world = house.labelled()
    ben = Scope("subject", world.by_mrn[BEN].subject)

    house.erased(world.dataset)

    assert deleted(house, ben) == YES
    with pytest.raises(NotFound):
        house.serving.key(subject_name(ben.name))
