"""The scorer sees every kind of mistake, and none where there is none."""

import shutil

import pydicom
import pytest
from corpus.profile import Outcome
from corpus.score import score
from corpus.truth import FILES, Sort
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

CODE = "113100"


@pytest.fixture
def edited(corpus, cleaned, tmp_path):
    """Judges our outputs after one of them, a CT with a plant to edit, was edited."""
    _, truths = corpus
    outputs, held = cleaned

    def judge(edit, having=None, write=None):
        truth = next(
            one for one in truths
            if one.name in outputs and one.kind == "CT" and (not having or _first(one, *having))
        )  # fmt: skip
        path = tmp_path / truth.name
        if write is not None:
            path.write_bytes(write(outputs[truth.name].read_bytes()))
        else:
            dataset = pydicom.dcmread(outputs[truth.name])
            edit(dataset, truth)
            dataset.save_as(path)
        return score(truths, {**outputs, truth.name: path}, held)

    return judge


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R30")
def test_our_recipe_makes_no_mistake_on_the_corpus(corpus, cleaned):
    _, truths = corpus
    outputs, held = cleaned
    judged = score(truths, outputs, held)

    assert judged.cases == []
    assert not judged.leaking
    assert not judged.traps
    assert not judged.wrong
    assert not judged.lost
    assert (judged.named, judged.broken, judged.pixels_changed) == (0, 0, 0)
    assert (judged.unstated, judged.uncoded, judged.unreadable) == (0, 0, 0)
    assert judged.tally.correct == judged.tally.required
    assert judged.out > judged.files // 2


def test_files_left_as_they_were_leak_all_that_was_planted(corpus):
    folder, truths = corpus
    judged = score(truths, {one.name: folder / FILES / one.name for one in truths}, set())

    assert judged.leaking.keys() == judged.planted
    assert judged.strings == judged.strings_planted
    assert judged.traps == judged.traps_laid
    assert judged.wrong_attributes == len(judged.planted)
    assert sum(judged.wrong.values()) == judged.judged
    assert {outcome for _, _, outcome in judged.wrong} == {str(Outcome.KEPT)}
    assert judged.named > judged.files // 2
    assert (judged.unstated, judged.uncoded) == (judged.files, judged.files)
    assert not judged.lost
    assert judged.tally.correct["text_removed"] == 0
    assert judged.tally.correct["uid_changed"] == 0
    assert judged.tally.correct["date_shifted"] == 0
    assert judged.tally.correct["pixels_hidden"] == 0


def test_a_file_that_is_missing_is_refused_and_one_held_is_not(corpus):
    _, truths = corpus
    judged = score(truths, {}, {truths[0].name})

    assert (judged.held, judged.failed, judged.out) == (1, len(truths) - 1, 0)


@pytest.mark.parametrize("rubbish", [b"", b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_what_no_reader_opens_is_unreadable(edited, rubbish):
    judged = edited(None, write=lambda _: rubbish)

    assert judged.unreadable == 1 or judged.wrong


def test_a_value_put_back_leaks(edited):
    def edit(dataset, truth):
        dataset.StudyDate = f"{bytes.fromhex(_raw(truth, 0x00080020)).decode()}"

    judged = edited(edit)

    assert list(judged.leaking) == [0x00080020]
    assert judged.wrong == {(0x00080020, "Z", str(Outcome.KEPT)): 1}


def test_a_word_anywhere_else_leaks(edited):
    def edit(dataset, truth):
        plant = next(one for one in truth.plants if one.action == "X" and one.vr == "LO")
        dataset.ImageComments = "see " + bytes.fromhex(plant.needles[0]).decode()

    judged = edited(edit)

    assert len(judged.leaking) == 1
    assert judged.strings == 1


def test_the_subject_named_in_the_preamble_is_found(corpus, edited):
    _, truths = corpus

    def write(data):
        truth = next(one for one in truths if one.kind == "CT")
        mrn = next(n for n in map(bytes.fromhex, truth.subject_needles) if n.startswith(b"MR"))
        return mrn.ljust(128, b"\0") + data[128:]

    assert edited(None, write=write).named == 1


def test_an_attribute_removed_that_must_be_emptied_is_wrong(edited):
    def edit(dataset, _):
        del dataset.PatientName

    assert edited(edit).wrong == {(0x00100010, "Z", str(Outcome.GONE)): 1}


def test_an_attribute_emptied_that_needs_a_dummy_is_wrong(edited):
    def edit(dataset, truth):
        plant = _first(truth, "D", "LO")
        dataset[plant.tag].value = ""

    (_, action, outcome), *more = edited(edit, having=("D", "LO")).wrong

    assert (action, outcome, more) == ("D", str(Outcome.EMPTY), [])


def test_an_attribute_emptied_that_must_go_is_wrong(edited):
    def edit(dataset, truth):
        plant = _first(truth, "X", "LO")
        dataset.add_new(plant.tag, "LO", "")

    (_, action, outcome), *more = edited(edit, having=("X", "LO")).wrong

    assert (action, outcome, more) == ("X", str(Outcome.EMPTY), [])


def test_a_dummy_that_is_no_date_is_invalid(edited):
    def edit(dataset, _):
        dataset[0x00080020]._value = "NONE"

    judged = edited(edit)

    assert judged.wrong == {(0x00080020, "Z", str(Outcome.INVALID)): 1}


@pytest.mark.parametrize("change", ["gone", "other"])
def test_an_acquisition_s_number_that_is_lost_is_told(edited, change):
    def edit(dataset, truth):
        plant = next(
            one for one in truth.plants
            if one.sort is Sort.STAYS and one.vr == "DS" and not one.path
        )  # fmt: skip
        del dataset[plant.tag]
        if change == "other":
            dataset.add_new(plant.tag, "DS", "7777.5")

    assert sum(edited(edit).lost.values()) == 1


def test_a_changed_pixel_is_told(edited):
    def edit(dataset, _):
        dataset.PixelData = b"\1\1" + dataset.PixelData[2:]

    judged = edited(edit)

    assert judged.pixels_changed == 1
    assert judged.tally.required["pixels_retained"] - judged.tally.correct["pixels_retained"] == 1


def test_a_study_that_falls_apart_has_a_broken_relation(edited):
    def edit(dataset, _):
        dataset.StudyInstanceUID = generate_uid()

    assert edited(edit).broken == 1


def test_two_instances_that_become_one_have_broken_relations(edited):
    def edit(dataset, _):
        dataset.SOPInstanceUID = dataset.SeriesInstanceUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

    assert edited(edit).broken >= 2


def test_a_file_meta_group_of_another_instance_is_a_broken_relation(edited):
    def write(data):
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
        new = str(dataset.SOPInstanceUID)
        other = new[:-1] + ("1" if new[-1] != "1" else "2")
        return data.replace(new.encode(), other.encode(), 1)

    assert edited(None, write=write).broken == 1


def test_a_date_moved_by_other_days_than_the_rest_is_no_shift(edited):
    def edit(dataset, _):
        dataset.StudyDate = "19010101"

    judged = edited(edit)

    assert not judged.wrong  # StudyDate may be any dummy
    assert judged.tally.required["date_shifted"] - judged.tally.correct["date_shifted"] == 1


def test_two_subjects_of_one_number_are_no_longer_told_apart(edited):
    def edit(dataset, _):
        dataset.PatientID = "ONE"

    judged = edited(edit)

    lacking = judged.tally.required["patid_consistent"] - judged.tally.correct["patid_consistent"]
    assert lacking >= 2


def test_an_output_that_does_not_say_what_was_done_is_told(edited):
    def edit(dataset, _):
        del dataset.PatientIdentityRemoved
        dataset.DeidentificationMethodCodeSequence = [Dataset()]

    judged = edited(edit)

    assert (judged.unstated, judged.uncoded) == (1, 1)


def test_judging_reads_and_never_writes(corpus, cleaned, tmp_path):
    _, truths = corpus
    outputs, held = cleaned
    name = next(iter(outputs))
    copy = shutil.copy(outputs[name], tmp_path / name)
    score(truths, {**outputs, name: copy}, held)

    assert copy.read_bytes() == outputs[name].read_bytes()


def _raw(truth, tag):
    return next(one.raw for one in truth.plants if one.tag == tag and not one.path)


def _first(truth, action, vr):
    fit = (one for one in truth.plants if (one.action, one.vr) == (action, vr) and not one.path)
    return next(fit, None)
