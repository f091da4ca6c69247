"""A regulator's questions, answered by the stand-alone file from the entries of a log or pack."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from seen_hospital import OWN, SeenHospital, salt_of, seen
from small_hospital import hospital
from small_log import DATASET, PROJECT, named
from verdicts import BROKEN, CANNOT_TELL, pins_of

from crypto import verifier

PROGRAM = Path(verifier.__file__)
QUESTIONS = ["deidentified", "who-saw", "left", "approved", "privacy-loss", "rewritten", "deleted",
             "quality", "software"]  # fmt: skip


@pytest.fixture(scope="module")
def house() -> SeenHospital:
    return seen()


@pytest.fixture(scope="module")
def desk(house, tmp_path_factory) -> Path:
    """What a regulator has: the program, the key, the pack, and a checkpoint of last time."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(PROGRAM, folder / "verifier.py")
    (folder / "key").write_text("\n".join(house.vkeys))
    (folder / "pack.zip").write_bytes(house.pack())
    (folder / "since").write_text(house.checkpoint(20))
    for name, octets in house.files().items():
        (folder / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "log" / name).write_bytes(octets)
    return folder


def ask(desk, *arguments) -> subprocess.CompletedProcess[bytes]:
    # -I, an empty home and the C locale: nothing lends it a library, a path or an encoding.
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", *arguments],
        cwd=desk,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )


def answers(desk, *arguments):
    done = ask(desk, *arguments, "--key", "key", "--questions", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    return {one["name"]: one for one in told["questions"]}, told


def inquiry(house: SeenHospital, scope: verifier.Scope, salt: bytes | None = None):
    """The answers from a log in memory, under a scope of one's choice."""
    pins, told = pins_of(house), verifier.Chronicle()
    log = verifier.verify_log(verifier.Members(house.files()), pins)
    story = verifier.read_story(log, pins, told=told)
    return verifier.Inquiry(log, story, told, scope, verifier.Grounds(salt=salt))


def who_saw(house, scope, salt=None):
    return inquiry(house, scope, salt).answers()[1]


def told_of(house, name):
    found = {one.name: one for one in inquiry(house, verifier.Scope()).answers()}
    return found[name]


@pytest.mark.requirement("R70")
def test_every_question_of_the_table_is_answered_from_a_pack_alone(desk):
    found, told = answers(desk, "pack.zip")

    assert list(found) == QUESTIONS
    assert told["verdict"].startswith("SOUND evidence of")
    assert told["about"] == {"kind": "dataset", "dataset": DATASET}
    assert {name: one["verdict"] for name, one in found.items()} == {
        "deidentified": "yes", "who-saw": "listed", "left": "no", "approved": "no",
        "privacy-loss": "not-recorded", "rewritten": "no", "deleted": "not-recorded",
        "quality": "not-recorded", "software": "not-recorded",
    }  # fmt: skip


@pytest.mark.requirement("R70")
@pytest.mark.parametrize(("language", "word"), [("en", "not recorded"), ("zh", "未记录")])
def test_people_read_it_in_english_and_in_chinese(desk, language, word):
    done = ask(desk, "pack.zip", "--key", "key", "--questions", "--language", language)

    lines = done.stdout.decode("utf-8").splitlines()

    assert done.returncode == 0
    assert lines[0].startswith("SOUND ")
    assert [line[0] for line in lines if line[:2] in {f"{n}." for n in range(1, 10)}] == list(
        "123456789"
    )
    assert sum(line.strip().startswith(word) for line in lines) == 4


@pytest.mark.parametrize("what", ["pack.zip", "log"])
def test_a_kept_checkpoint_answers_whether_the_log_was_rewritten(desk, what):
    found, _ = answers(desk, what, "--since", "since")

    assert found["rewritten"]["verdict"] == "no"
    assert "20 entries" in found["rewritten"]["said"]["en"]


def test_without_tables_it_says_that_nothing_was_ruled_again(desk):
    on_log, _ = answers(desk, "log")
    on_pack, _ = answers(desk, "pack.zip")

    assert "not ruled again" in on_log["who-saw"]["checks"][1]["en"]
    assert "ruled again by" in on_pack["who-saw"]["checks"][1]["en"]


@pytest.mark.requirement("R63")
def test_a_lease_tells_how_much_was_seen_and_unclosed_ones_count_whole(house):
    rows = {row["objects"].get("lease"): row for row in who_saw(house, verifier.Scope()).rows}

    labelled = rows[named("lease labeller 0")]
    by_worker = rows[named("lease labeller 2")]
    never_closed = rows[named("lease reviewer 0")]

    assert labelled["counted"] == "exact"
    assert (labelled["shown"], labelled["views"], labelled["seconds"]) == (2, 3, 60)
    assert (by_worker["counted"], by_worker["seconds"]) == ("all", 900)
    assert "shown" not in by_worker
    assert never_closed["counted"] == "all"
    assert "closed" not in never_closed


@pytest.mark.requirement("R72")
def test_who_saw_a_subject_is_answered_by_its_opening(house):
    subject = named("subject 0")  # items 0 and 2
    scope = verifier.Scope("subject", subject)

    rows = who_saw(house, scope, salt_of("subject 0")).rows

    items = [row["item"] for row in rows if row["what"] == "item"]
    assert items == [named("issued 0"), named("issued 2"), named("issued 0")]
    kinds = {row["what"] for row in rows}
    assert kinds == {"item", "package"}  # the release holds a label of item 0


@pytest.mark.requirement("R72")
def test_samples_seen_by_the_officer_belong_to_their_subject(house):
    rows = who_saw(house, verifier.Scope("subject", named("subject 1")), salt_of("subject 1")).rows

    sample = next(row for row in rows if row["what"] == "sample")

    assert sample["item"] == named("item 1")
    assert sample["roles"] == ["deid-officer"]


def test_without_the_opening_what_can_t_be_told_is_counted(house):
    answer = who_saw(house, verifier.Scope("subject", named("subject 0")))

    assert [row for row in answer.rows if row["what"] == "item"] == []
    assert "4 issued items tell nothing" in answer.said[0]


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("salt", [salt_of("subject 1"), bytes(32), b""])
def test_a_wrong_opening_is_broken_and_not_an_empty_answer(house, salt):
    with pytest.raises(verifier.Broken, match="subject-opening-wrong"):
        inquiry(house, verifier.Scope("subject", named("subject 0")), salt)


def test_an_unknown_subject_has_no_opening(house):
    with pytest.raises(verifier.Broken, match="subject-opening-wrong"):
        inquiry(house, verifier.Scope("subject", named("nobody")), salt_of("nobody"))


def test_a_project_and_a_period_narrow_the_answer(house):
    whole = who_saw(house, verifier.Scope()).rows
    project = who_saw(house, verifier.Scope("project", PROJECT)).rows
    first, last = whole[2]["at"], whole[4]["at"]
    period = who_saw(house, verifier.Scope("period", start=first, stop=last)).rows

    assert {row["domain"] for row in project} == {OWN}
    assert period == whole[2:4]
    assert not who_saw(house, verifier.Scope("project", named("other"))).rows


def test_an_item_shown_before_it_was_issued_is_named():
    house = SeenHospital()
    house.enrol()
    house.collect()
    house.clean()
    house.open_project()
    early = house.look(0)
    house.issue(0)

    answer = told_of(house, "deidentified")

    assert (answer.verdict, list(answer.entries)) == ("no", [early["index"]])


def test_an_item_issued_before_its_approval_is_named():
    house = SeenHospital()
    house.enrol()
    house.collect()
    house.clean_one(0)
    house.open_project()
    house.issue(0)
    look = house.look(0)
    house.approve()

    answer = told_of(house, "deidentified")

    assert (answer.verdict, list(answer.entries)) == ("no", [look["index"]])


def test_other_bytes_than_those_issued_are_named():
    house = SeenHospital()
    house.enrol()
    house.collect()
    house.clean()
    house.open_project()
    house.issue(0)

    def swap(entry):
        entry["outcome"]["commitments"]["item"] = named("another") * 2

    look = house.look(0, change=swap)

    answer = told_of(house, "deidentified")

    assert (answer.verdict, list(answer.entries)) == ("no", [look["index"]])


def test_a_download_of_what_was_never_sealed_is_something_that_left():
    house = seen()
    house.release_id = named("unsealed")
    fetched = house.fetch()

    answer = told_of(house, "left")

    assert (answer.verdict, list(answer.entries)) == ("yes", [fetched["index"]])


def test_releases_name_requester_voters_and_downloads(house):
    row = told_of(house, "approved").rows[0]

    assert row["requester"] == named("lead")
    assert {vote["voter"] for vote in row["votes"]} == {named("steward"), named("checker")}
    assert len(row["downloads"]) == 1


def test_without_an_earlier_head_nobody_can_tell_of_rewriting(house):
    assert told_of(house, "rewritten").verdict == "cannot-tell"


def test_refused_looks_are_counted():
    house = hospital()

    assert "4 attempts" in told_of(house, "who-saw").said[0]


@pytest.mark.parametrize(
    "flags",
    [["--about", "dataset:x"], ["--about", "nobody"], ["--about", "period:2026-01-01T00:00:00Z"],
     ["--about", "period:2027-01-01T00:00:00Z/2026-01-01T00:00:00Z"],
     ["--about", "period:2026-01-01/2027-01-01"], ["--language", "de"]],
)  # fmt: skip
def test_wrong_questions_are_wrong_usage(desk, flags):
    assert ask(desk, "pack.zip", "--key", "key", "--questions", *flags).returncode == 64


@pytest.mark.parametrize("flags", [["--json"], ["--about", "ledger"], ["--language", "zh"]])
def test_how_to_answer_without_a_question_is_wrong_usage(desk, flags):
    assert ask(desk, "pack.zip", "--key", "key", *flags).returncode == 64


def test_nothing_is_answered_from_what_does_not_hold(desk, house):
    octets = bytearray(house.pack())
    octets[len(octets) // 2] ^= 1
    (desk / "bad.zip").write_bytes(octets)

    text = ask(desk, "bad.zip", "--key", "key", "--questions")
    told = json.loads(ask(desk, "bad.zip", "--key", "key", "--questions", "--json").stdout)

    assert (text.returncode, text.stdout.count(b"\n")) == (BROKEN, 1)
    assert told["code"] == BROKEN
    assert "questions" not in told


def test_without_a_pinned_key_nothing_is_answered(desk):
    done = ask(desk, "pack.zip", "--questions")

    assert (done.returncode, done.stdout.count(b"\n")) == (CANNOT_TELL, 1)


def test_a_receipt_answers_no_questions(desk, house):
    (desk / "receipt.json").write_bytes(house.receipt(12))

    assert ask(desk, "receipt.json", "--key", "key", "--questions").returncode == CANNOT_TELL
    assert ask(desk, "nothing", "--key", "key", "--questions").returncode == CANNOT_TELL
