"""FHIR AuditEvents and PROV documents, made offline from a verified pack."""

import io
import json
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from prov.model import ProvActivity, ProvAgent, ProvDocument
from seen_hospital import SUBJECTS, SeenHospital, salt_of, seen
from small_files import zipped
from small_hospital import RELEASE
from small_log import named

from api.cli.main import run
from crypto import canonical

SUBJECT = named(SUBJECTS[0])
DCM = "http://dicom.nema.org/resources/ontology/DCM"


@pytest.fixture(scope="module")
def house() -> SeenHospital:
    made = seen(kind="subject", subject=SUBJECT)
    made.look(3, by="recipient_", change=refused)
    return made


def refused(entry) -> None:
    entry["refusal"], entry["outcome"] = "forbidden", {}


@pytest.fixture(scope="module")
def pack(house, tmp_path_factory) -> Path:
    opening = {"v": 1, "subject": SUBJECT, "salt": salt_of(SUBJECTS[0]).hex()}

    def opened(files):
        files["subject.json"] = canonical.encode(opening)

    path = tmp_path_factory.mktemp("pack") / "pack.zip"
    path.write_bytes(zipped(house.evidence(opened)))
    return path


def export(house, *arguments) -> int:
    return run(["export", *map(str, arguments), "--key", house.vkeys[0]])


@pytest.fixture(scope="module")
def events(house, pack):
    out = pack.with_name("events.ndjson")
    assert export(house, "fhir", pack, "--out", out) == 0
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def of(house, events, action):
    """The events of an action, done."""
    return [
        events[entry["index"]]
        for entry in house.entries
        if entry["action"] == action and entry["refusal"] is None
    ]


@pytest.mark.requirement("R71")
def test_every_entry_is_an_audit_event_that_the_standard_s_model_accepts(house, events):
    assert len(events) == len(house.raw)
    for event in events:
        assert AuditEvent.model_validate(event).get_resource_type() == "AuditEvent"


@pytest.mark.requirement("R71")
def test_one_bundle_is_as_good(house, pack, tmp_path):
    assert export(house, "fhir", pack, "--bundle", "--out", tmp_path / "b.json") == 0

    whole = Bundle.model_validate_json((tmp_path / "b.json").read_text("utf-8"))

    assert len(whole.entry) == len(house.raw)


@pytest.mark.requirement("R71")
def test_each_event_names_its_log_index_agent_source_and_entity(house, events):
    for index, event in enumerate(events):
        place = event["entity"][0]["what"]["identifier"]
        assert place == {"system": f"urn:anbiao:log:{house.origin}", "value": str(index)}
        assert event["source"]["observer"]["identifier"]["value"] == house.origin
        person, server = event["agent"]
        assert person["who"]["identifier"]["value"] == house.entries[index]["actor"]
        assert (person["requestor"], server["requestor"]) == (True, False)
        assert event["recorded"] == house.entries[index]["at"]


@pytest.mark.requirement("R71")
@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("release.download", "110106"),
        ("release.seal", "110106"),
        ("permit.issue", "110113"),
        ("member.grant", "110113"),
        ("evidence.export", "110101"),
    ],
)
def test_acts_bear_the_codes_of_the_profile(house, events, action, code):
    found = of(house, events, action)

    assert found
    assert {(one["type"]["system"], one["type"]["code"]) for one in found} == {(DCM, code)}


@pytest.mark.requirement("R71")
def test_what_policy_refused_is_a_failed_authorisation_decision(events):
    last = events[-1]

    assert (last["type"]["code"], last["outcome"], last["action"]) == ("110113", "8", "E")
    assert last["outcomeDesc"] == "forbidden"


@pytest.mark.requirement("R71")
def test_looks_are_reads_and_name_the_patient_s_pseudonym(house, events):
    looks = of(house, events, "task.open")
    patients = [
        [e["what"]["identifier"]["value"] for e in one["entity"] if e["role"]["code"] == "1"]
        for one in looks
    ]

    assert {(one["type"]["code"], one["action"]) for one in looks} == {("rest", "R")}
    assert patients == [[SUBJECT], [], [SUBJECT]]  # the pack opens this subject and no other
    (sample,) = of(house, events, "approval.view")
    assert sample["entity"][-1]["what"]["identifier"]["value"] == named(SUBJECTS[1])


@pytest.mark.requirement("R66")
def test_events_hold_nothing_that_the_log_does_not_hold(events):
    text = json.dumps(events)

    assert "network" not in text
    assert "profile" not in text


@pytest.mark.requirement("R70")
def test_prov_json_is_read_back_by_the_library_and_names_every_entry(house, pack, tmp_path):
    out, picture = tmp_path / "prov.json", tmp_path / "prov.svg"

    assert export(house, "prov", pack, "--out", out, "--picture", picture) == 0

    document = ProvDocument.deserialize(io.StringIO(out.read_text("utf-8")), format="json")
    activities = list(document.get_records(ProvActivity))
    indices = sorted(
        int(str(value))
        for one in activities
        for name, value in one.attributes
        if name.localpart == "index"
    )
    assert indices == list(range(len(house.raw)))
    actors = {entry["actor"] for entry in house.entries}
    assert len(list(document.get_records(ProvAgent))) == len(actors)
    assert picture.read_text("utf-8").startswith("<svg ")


def test_two_exports_are_the_same_bytes(house, pack, tmp_path):
    for kind in ("fhir", "prov"):
        for name in ("one", "two"):
            assert export(house, kind, pack, "--out", tmp_path / name) == 0
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_derivations_lead_from_what_left_back_to_the_dataset(house, pack, tmp_path):
    export(house, "prov", pack, "--out", tmp_path / "prov.json")
    told = json.loads((tmp_path / "prov.json").read_text("utf-8"))

    derived = {
        one["prov:generatedEntity"]: one["prov:usedEntity"]
        for one in told["wasDerivedFrom"].values()
    }

    assert f"ab:release/{RELEASE}" in derived
    assert len([name for name in derived if name.startswith("ab:project_item/")]) == 4


@pytest.mark.parametrize("kind", ["fhir", "prov"])
def test_nothing_is_written_from_what_does_not_hold(house, pack, tmp_path, kind):
    octets = bytearray(pack.read_bytes())
    octets[len(octets) // 2] ^= 1
    (tmp_path / "bad.zip").write_bytes(octets)

    assert export(house, kind, tmp_path / "bad.zip", "--out", tmp_path / "out") == 1
    assert run(["export", kind, str(pack), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [["--key", "nonsense"], ["--about", "nobody"]])
def test_wrong_usage_is_said(pack, tmp_path, wrong):
    asked = ["export", "fhir", str(pack), "--out", str(tmp_path / "out"), *wrong]

    assert run(asked) == 64
