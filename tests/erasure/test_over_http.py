"""A steward erases a patient at the real door, and keeps a certificate that verifies offline."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))

from test_hospital_over_http import CT, Ward, ward_in

from api.client import deposit as depositing
from api.client import erasure as client
from api.client.errors import ClientError
from crypto import verifier

PATIENT = "1CT1"
"""(0010,0020) PatientID of the image."""


@pytest.fixture
def ward(tmp_path):
    with ward_in(tmp_path / "house") as made:
        folder = tmp_path / "films"
        folder.mkdir()
        (folder / "a.dcm").write_bytes(CT)
        for sealed in made.seal(folder):
            depositing.send(made.depositor.door, sealed)
        made.work()
        yield made


def ordered(ward: Ward, **changes: str) -> str:
    asked = client.Order(ward.dataset, **({"ground": "gdpr-17", "reference": PATIENT} | changes))
    steward = ward.steward
    made = client.order(steward.door, steward.keys, ward.ledger, asked, ward.fingerprint)
    return str(made["erasure"])


def finish(ward: Ward) -> None:
    """Let the set time go by for the worker, and both sides change their keys."""
    clock = ward.worker.enclave.clock
    object.__setattr__(ward.worker.enclave, "clock", lambda: clock() + timedelta(hours=13))
    for _ in range(5):
        ward.work()
        ward.town.house.turn()


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R70")
def test_a_patient_is_erased_by_record_number_and_the_certificate_verifies(ward: Ward, tmp_path):
    erasure, out = ordered(ward), tmp_path / "certificate.json"
    ward.work()
    with pytest.raises(ClientError) as early:
        client.certificate(ward.steward.door, ward.ledger, erasure, out)
    finish(ward)

    client.certificate(ward.steward.door, ward.ledger, erasure, out)

    (told,) = client.erasures(ward.steward.door, ward.ledger)
    keys = (ward.town.folder / "log" / ward.ledger / "keys").read_text().splitlines()
    said = verifier.verify(str(out), verifier.read_pins(keys[:1]))
    log = verifier.verify(str(ward.town.folder / "log" / ward.ledger), verifier.read_pins(keys[:1]))
    assert early.value.code == "erasure-not-final"
    assert {item["state"] for item in ward.items()} == {"ERASED"}
    assert (told["state"], told["epoch"], told["overdue"]) == ("FINAL", 1, False)
    assert f"erasure {erasure} of a subject" in said
    assert "key epoch 1 destroyed" in said
    assert log
    for change in (
        {"dataset": "0" * 32},
        {"erasure": "0" * 32},
        {"v": 2},
        {"evidence": []},
        {"evidence": json.loads(out.read_bytes())["evidence"][:-1]},
    ):
        lie = json.loads(out.read_bytes()) | change
        (tmp_path / "lie.json").write_bytes(verifier.canonical(lie))
        code, _ = verifier.judged(
            lambda: verifier.verify(str(tmp_path / "lie.json"), verifier.read_pins(keys[:1]))
        )
        assert code == 1


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R77")
def test_holds_and_refusals_at_the_door(ward: Ward):
    door, keys = ward.steward.door, ward.steward.keys
    hold = client.place_hold(door, keys, ward.ledger, ward.dataset, "court-order")["hold"]
    with pytest.raises(ClientError) as held:
        ordered(ward)
    with pytest.raises(ClientError) as forbidden:
        client.order(
            ward.officer.door,
            ward.officer.keys,
            ward.ledger,
            client.Order(ward.dataset, "gdpr-17"),
            ward.fingerprint,
        )
    asked = client.Order(ward.dataset, "gdpr-17", PATIENT)
    with pytest.raises(ClientError) as foreign:
        client.order(door, keys, ward.ledger, asked, "another worker's")
    with pytest.raises(ClientError) as long:
        ordered(ward, reference="9" * 257)

    client.lift_hold(door, keys, ward.ledger, ward.dataset, str(hold), "case-closed")

    (shown,) = door.items(f"/hospitals/{ward.ledger}/holds")
    assert shown["lifted_index"] is not None
    assert (held.value.status, forbidden.value.status) == (403, 403)
    assert foreign.value.code == "fingerprint-differs"
    assert long.value.code == "reference-too-long"
    assert ordered(ward)
