"""Packs about a dataset, a project, a subject or a period: what they need, and what binds them."""

import pytest
from seen_hospital import SUBJECTS, SeenHospital, salt_of, seen
from small_files import zipped
from small_hospital import RELEASE, SUMMARY, hospital
from small_log import DATASET, PROJECT, named
from verdicts import CANNOT_TELL, SOUND, assert_broken, on_file, pins_of

from crypto import canonical, verifier

SUBJECT = named(SUBJECTS[0])
PERIOD = {"kind": "period", "from": "2026-07-01T00:00:00.000000Z",
          "until": "2026-07-02T00:00:00.000000Z"}  # fmt: skip
ABOUT = {
    "dataset": {"kind": "dataset", "dataset": DATASET},
    "project": {"kind": "project", "project": PROJECT},
    "subject": {"kind": "subject", "subject": SUBJECT},
    "period": PERIOD,
}


def opening(subject: str = SUBJECT, salt: object = None, **more: object) -> bytes:
    said = {"v": 1, "subject": subject, "salt": salt_of(SUBJECTS[0]).hex()}
    return canonical.encode(said | ({"salt": salt} if salt else {}) | more)


def pack(house: SeenHospital, change=None, **manifest) -> bytes:
    def with_opening(files):
        if house.about["kind"] == "subject":
            files["subject.json"] = opening()
        if change is not None:
            change(files)

    return zipped(house.evidence(with_opening, **manifest))


@pytest.fixture(scope="module", params=sorted(ABOUT))
def house(request) -> SeenHospital:
    return seen(**ABOUT[request.param])


@pytest.fixture(scope="module")
def of_subject() -> SeenHospital:
    return seen(**ABOUT["subject"])


@pytest.mark.requirement("R70")
def test_a_pack_about_anything_is_sound_and_says_about_what(house):
    code, said = on_file(pack(house), pins_of(house))

    assert code == SOUND, said
    assert said.startswith(f"SOUND evidence of {house.about['kind']} ")
    assert "1 passports" in said


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("name", sorted(SUMMARY))
def test_a_changed_summary_is_named(house, name):
    def change(files):
        files[name] += b" and more"

    assert_broken(on_file(pack(house, change), pins_of(house)), "summary-differs-from-log")


@pytest.mark.parametrize("name", sorted(SUMMARY))
def test_a_summary_may_not_be_left_out(house, name):
    assert_broken(on_file(pack(house, lambda f: f.pop(name)), pins_of(house)), "file-missing")


def test_the_export_itself_is_proved(house):
    name = f"proofs/{house.exported}.tlog-proof"

    assert_broken(on_file(pack(house, lambda f: f.pop(name)), pins_of(house)), "proof-missing")


@pytest.mark.parametrize("index", [0, 12, 10_000])
def test_an_export_that_is_none_is_named(house, index):
    assert_broken(on_file(pack(house, export=index), pins_of(house)), "export-not-in-log")


@pytest.mark.parametrize("kind", sorted(ABOUT))
def test_a_pack_about_something_else_than_was_exported_is_named(house, kind):
    if kind == house.about["kind"]:
        other = {"kind": kind, **dict.fromkeys(ABOUT[kind].keys() - {"kind"}, named("other"))}
        if kind == "period":
            other = PERIOD | {"until": "2026-07-03T00:00:00.000000Z"}
        codes = {"evidence-of-another-dataset", "export-of-something-else"}
    else:
        other, codes = ABOUT[kind], {"export-of-something-else", "file-missing", "unknown-file"}

    assert_broken(on_file(pack(house, about=other), pins_of(house)), *codes)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1},
        {"v": 3},
        {"dataset": DATASET},
        {"export": -1},
        {"export": True},
        {"about": {}},
        {"about": "all"},
        {"about": {"kind": "all"}},
        {"about": {"kind": "dataset", "dataset": "all"}},
        {"about": {"kind": "dataset", "project": DATASET}},
        {"about": {"kind": "dataset", "dataset": DATASET, "project": DATASET}},
        {"about": {"kind": ["dataset"], "dataset": DATASET}},
        {"about": {"kind": "period", "from": "2026-07-01", "until": "2026-07-02"}},
        {"about": {**PERIOD, "until": PERIOD["from"]}},
    ],
)
def test_a_manifest_of_another_form_is_named(house, change):
    assert_broken(on_file(pack(house, **change), pins_of(house)), "manifest-malformed")


def test_a_passport_of_the_scope_may_not_be_left_out(house):
    name = f"packages/{RELEASE}/passport.json"

    assert_broken(on_file(pack(house, lambda f: f.pop(name)), pins_of(house)), "passport-missing")


@pytest.mark.parametrize("number", ["approval.sign", "release.seal"])
def test_what_a_release_rests_on_is_proved(house, number):
    index = next(e["index"] for e in house.entries if e["action"] == number)
    name = f"proofs/{index}.tlog-proof"

    assert_broken(on_file(pack(house, lambda f: f.pop(name)), pins_of(house)), "proof-missing")


def test_a_passport_outside_of_the_scope_is_unknown():
    late = {**PERIOD, "from": "2026-07-01T23:00:00.000000Z"}
    house = seen(**late)

    assert_broken(on_file(pack(house), pins_of(house)), "unknown-file")
    name = f"packages/{RELEASE}/passport.json"
    assert on_file(pack(house, lambda f: f.pop(name)), pins_of(house))[0] == SOUND


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "said",
    [
        opening(named(SUBJECTS[1])),
        opening(salt=salt_of(SUBJECTS[1]).hex()),
        opening(salt="00" * 32),
        opening(salt="00"),
        opening(v=2),
        opening(more="words"),
        b"{}",
        b"[]",
    ],
)
def test_a_wrong_opening_of_a_subject_is_named(of_subject, said):
    def change(files):
        files["subject.json"] = said

    assert_broken(on_file(pack(of_subject, change), pins_of(of_subject)), "subject-opening-wrong")


@pytest.mark.requirement("R72")
def test_a_pack_about_a_subject_says_how_it_is_opened(of_subject):
    verdict = on_file(pack(of_subject, lambda f: f.pop("subject.json")), pins_of(of_subject))

    assert_broken(verdict, "file-missing")


def test_no_other_pack_opens_a_subject():
    house = seen(**ABOUT["dataset"])

    def change(files):
        files["subject.json"] = opening()

    assert_broken(on_file(pack(house, change), pins_of(house)), "unknown-file")


@pytest.mark.requirement("R76")
def test_of_an_erased_subject_nothing_is_opened_and_that_is_said(of_subject):
    def erased(files):
        files["subject.json"] = canonical.encode({"v": 1, "subject": SUBJECT, "salt": None})
        files.pop(f"packages/{RELEASE}/passport.json")  # nobody can say that it was in there

    evidence = verifier.open_evidence(pack(of_subject, erased), pins_of(of_subject))

    answer = evidence.inquiry.who_saw()
    assert [row for row in answer.rows if row["what"] == "item"] == []
    assert "4 issued items tell nothing" in answer.said[0]


@pytest.mark.requirement("R72")
def test_a_pack_about_a_subject_tells_who_saw_it(of_subject):
    evidence = verifier.open_evidence(pack(of_subject), pins_of(of_subject))

    rows = evidence.inquiry.who_saw().rows

    assert [row["item"] for row in rows if row["what"] == "item"] == [
        named(f"issued {number}") for number in (0, 2, 0)
    ]


def test_another_subject_is_not_opened_by_the_pack_of_one(of_subject, tmp_path):
    path = tmp_path / "pack.zip"
    path.write_bytes(pack(of_subject))
    scope = verifier.Scope("subject", named(SUBJECTS[1]))

    inquiry = verifier.inquire(str(path), pins_of(of_subject), scope=scope)[1]

    assert {row["what"] for row in inquiry.who_saw().rows} == {"sample"}


def test_a_pack_of_the_first_version_still_counts():
    house = hospital()

    assert on_file(house.pack(), pins_of(house))[0] == SOUND
    summary = zipped(house.evidence(lambda files: files.update(SUMMARY)))
    assert_broken(on_file(summary, pins_of(house)), "unknown-file")
    assert on_file(house.pack(), verifier.read_pins([]))[0] == CANNOT_TELL
