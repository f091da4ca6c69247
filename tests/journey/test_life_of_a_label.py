"""A film from deposit to release at the real door: labelled, voted on, opened, verified."""

import io
from pathlib import Path

import httpx
import pytest
from firm import Firm
from PIL import Image

from api.cli.main import run as run_cli
from api.client import evidence, recipient, session, voter
from api.client.errors import ClientError
from api.client.regulator import verdict_on
from crypto.sealing import generate
from crypto.verifier import Scope


def refused(act) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.status, caught.value.code


@pytest.mark.requirement("R35")
def test_frames_are_shown_to_the_lease_holder_only(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    given = firm.at(firm.labeller).next_task()
    lease = given["lease"]

    picture = firm.at(firm.labeller).frame(lease, 0)
    shown = firm.at(firm.labeller).lease(lease)

    assert Image.open(io.BytesIO(picture)).size == (128, 128)
    assert (shown["kind"], shown["frames"], shown["label"]) == ("dicom", 1, None)
    answer = httpx.get(
        f"{firm.ward.town.url}/v1{firm.hospital}/leases/{lease}/frames/0",
        headers={"Authorization": f"Bearer {firm.labeller.door.token}"},
    )
    assert answer.headers["cache-control"] == "no-store"
    for other in (firm.reviewer, firm.lead, firm.ward.steward, firm.regulator):
        assert refused(lambda other=other: firm.at(other).frame(lease, 0)) == (404, "not-found")
    firm.at(firm.labeller).close(lease)
    assert refused(lambda: firm.at(firm.labeller).frame(lease, 0)) == (404, "not-found")


@pytest.mark.requirement("R36")
@pytest.mark.requirement("R38")
def test_versions_at_the_door(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    labeller, reviewer = firm.at(firm.labeller), firm.at(firm.reviewer)
    task = labeller.next_task()["task"]
    labeller.submit(task, 0, ["effusion"], "quite clear")

    stale = refused(lambda: labeller.submit(task, 0, ["none"]))
    lease = reviewer.next_review()["lease"]
    judged = reviewer.lease(lease)["label"]
    reviewer.judge(task, "return", "look again")
    labeller.next_task()
    labeller.submit(task, 1, ["none"])

    assert stale == (409, "stale-version")
    assert judged == {"classes": ["effusion"]}
    path = f"{firm.hospital}/tasks/{task}"
    said = [firm.labeller.door.get(f"{path}/labels/{n}")["value"]["classes"] for n in (1, 2)]
    assert said == [["effusion"], ["none"]]
    assert firm.lead.door.get(path)["version"] == 2
    assert reviewer.status()["tasks"] == {"SUBMITTED": 1}


def test_refusals_at_the_door_name_the_field(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    labeller = firm.at(firm.labeller)
    task = labeller.next_task()["task"]

    with pytest.raises(ClientError) as unknown:
        labeller.submit(task, 0, ["pneumonia"])
    door = firm.labeller.door
    blind = refused(
        lambda: door.create(f"{firm.hospital}/tasks/{task}/labels", {"value": {"classes": []}})
    )

    assert (unknown.value.code, unknown.value.field) == ("label-class-unknown", "/classes/0")
    assert blind == (400, "if-match-missing")
    assert firm.at(firm.reviewer).next_review() is None
    own = door.get(f"{firm.hospital}/projects/{firm.project}/leases")
    assert len(own["items"]) == 1


@pytest.mark.requirement("R16")
def test_who_is_outside_the_project_finds_nothing(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    town, ward = firm.ward.town, firm.ward
    outsider = town.enrolled(town.operator, "otto", "firm:two")
    town.grant(
        ward.steward,
        ward.ledger,
        outsider,
        "labeller",
        domain=f"project:{'0' * 32}",
        organisation="firm:two",
    )

    elsewhere = firm.at(outsider)

    assert refused(elsewhere.status) == (404, "not-found")
    assert refused(elsewhere.next_task) == (404, "not-found")
    assert list(outsider.door.items(f"{firm.hospital}/projects")) == []
    assert [p["project"] for p in firm.lead.door.items(f"{firm.hospital}/projects")] == [
        firm.project
    ]


@pytest.mark.requirement("R70")
def test_a_label_set_leaves_and_a_regulator_verifies_it(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    release = firm.release()
    pins, ledger = firm.vkeys()[:1], firm.ward.ledger

    delivery = recipient.fetch(firm.recipient.door, firm.recipient.keys, ledger, release, pins)
    recipient.write(delivery, tmp_path / "package")
    size = evidence.export(
        firm.regulator.door, ledger, Scope("dataset", firm.ward.dataset), tmp_path / "evidence.zip"
    )

    assert delivery.verified
    assert size == (tmp_path / "evidence.zip").stat().st_size
    package = verdict_on(tmp_path / "package", pins)
    assert (package.code, package.said.split()[0]) == (0, "SOUND"), package.said
    pack = verdict_on(tmp_path / "evidence.zip", pins)
    assert pack.code == 0, pack.said
    assert pack.said.endswith("1 passports; unwitnessed; policy unpinned")
    labels = tmp_path / "package" / "labels.jsonl"
    labels.write_bytes(labels.read_bytes().replace(b"effusion", b"none"))
    assert verdict_on(tmp_path / "package", pins).said.startswith("BROKEN package-file-differs")


@pytest.mark.requirement("R48")
@pytest.mark.requirement("R49")
def test_votes_and_downloads_at_the_door(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    firm.label()
    release = firm.request()
    path, ledger = f"{firm.hospital}/releases/{release}", firm.ward.ledger

    early = refused(lambda: firm.recipient.door.get_bytes(f"{path}/sealed"))
    own = refused(lambda: voter.inspect(firm.lead.door, ledger, release))
    firm.vote(firm.checker, release)
    hidden = firm.ward.steward.door.get(path)
    decided = firm.vote(firm.ward.steward, release)
    shown = firm.ward.steward.door.get(path)
    firm.ward.work()
    foreign = refused(lambda: firm.checker.door.get_bytes(f"{path}/sealed"))

    assert early == (403, "forbidden")
    assert own == (403, "forbidden")
    assert hidden["votes"] is None
    assert decided["state"] == "SEALING"
    assert [vote["verdict"] for vote in shown["votes"]] == ["approve", "approve"]
    assert foreign == (403, "forbidden")
    assert [r["release"] for r in firm.recipient.door.items(f"{firm.hospital}/releases")] == [
        release
    ]


@pytest.mark.requirement("R60")
def test_a_recall_is_seen_by_everyone_and_stops_the_download(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    release = firm.release()
    path = f"{firm.hospital}/releases/{release}"

    firm.ward.steward.door.create(f"{path}/recall", {"reason": "A class was mixed up."})

    gone = refused(lambda: firm.recipient.door.get_bytes(f"{path}/sealed"))
    assert gone == (410, "release-recalled")
    assert firm.recipient.door.get(path)["recall_reason"] == "A class was mixed up."
    (dataset,) = firm.ward.town.door.get("/catalogue")["items"]
    assert dataset["projects"][0]["releases"] == [
        {"id": release, "state": "RECALLED", "recall_reason": "A class was mixed up."}
    ]


def test_a_server_that_shows_another_package_gets_no_vote(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    firm.label()
    release = firm.request()
    door = firm.checker.door

    class Liar:
        """The voter's door, but for one file of the package."""

        def get(self, path: str) -> dict:
            shown = door.get(path)
            shown["files"]["labels.jsonl"] = shown["files"]["labels.jsonl"].replace(
                "effusion", "none"
            )
            return shown

    with pytest.raises(ClientError) as caught:
        voter.inspect(Liar(), firm.ward.ledger, release)

    assert caught.value.code == "package-differs"


def test_a_recipient_with_other_keys_or_pins_opens_nothing(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")
    release, ledger = firm.release(), firm.ward.ledger
    door, keys = firm.recipient.door, firm.recipient.keys
    other = type(keys)(keys.signing, generate())
    keys_file = firm.ward.town.folder / "log" / "platform" / "keys"
    foreign = keys_file.read_text().splitlines()[:1]

    assert refused(lambda: recipient.fetch(door, other, ledger, release))[1] == "seal-altered"
    assert (
        refused(lambda: recipient.fetch(door, keys, ledger, release, foreign))[1]
        == "passport-broken"
    )
    unpinned = recipient.fetch(door, keys, ledger, release)
    assert not unpinned.verified
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "x").write_text("mine")
    assert refused(lambda: recipient.write(unpinned, tmp_path / "package"))[1] == "folder-not-empty"


def test_the_commands_do_what_the_client_does(firm: Firm, tmp_path: Path, capsys):
    firm.open(tmp_path / "films")
    firm.label()
    release = firm.request()
    homes = firm.ward.town.folder / "parties"
    for person in (firm.checker, firm.ward.steward, firm.recipient, firm.regulator):
        session.keep_session(homes / person.name, firm.ward.town.url, person.door)
    place = ["--ledger", firm.ward.ledger]

    votes = [
        run_cli(["vote", release, "--home", str(homes / name), *place, "--verdict", "approve"])
        for name in ("carl", "stella")
    ]
    firm.ward.work()
    out, pack = str(tmp_path / "package"), str(tmp_path / "evidence.zip")
    key = ["--key", firm.vkeys()[0]]
    opened = run_cli(["open", release, "--home", str(homes / "rita"), *place, "--out", out, *key])
    exported = run_cli(
        ["evidence", firm.ward.dataset, "--home", str(homes / "rex"), *place, "--out", pack]
    )

    assert (votes, opened, exported) == ([0, 0], 0, 0)
    said = capsys.readouterr().out
    assert "approve: release SEALING" in said
    assert "passport verified" in said
    assert (tmp_path / "evidence.zip").exists()


@pytest.mark.requirement("R81")
def test_the_register_is_public_and_says_nothing_personal(firm: Firm, tmp_path: Path):
    firm.open(tmp_path / "films")

    (dataset,) = firm.ward.town.door.get("/catalogue")["items"]

    assert (dataset["title"], dataset["grade"], dataset["purpose"]) == (
        "Chest films",
        3,
        "research",
    )
    assert dataset["projects"][0]["goal"] == "Tell whether a film shows an effusion."
    assert set(dataset) == {
        "id", "ledger", "hospital", "title", "category", "grade", "purpose", "legal_basis",
        "retain_until", "state", "projects",
    }  # fmt: skip
