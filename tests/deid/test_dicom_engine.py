"""What one cleaned file is like, and that files of one subject still belong together."""

import io
import warnings
import zlib

import dicom_maker as make
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.deid.forms import Register, RegisterRow, Result

OTHER_KEY = bytes(range(1, 33))


def opened(verdict):
    return pydicom.dcmread(io.BytesIO(verdict.data))


def with_uid(tag, uid):
    return make.element(tag, "UI", uid)


def test_the_preamble_is_zeroed(clean):
    verdict = clean(make.ct(preamble=b"ZQXJ preamble".ljust(128, b"!")))

    assert verdict.data[:132] == bytes(128) + b"DICM"
    assert verdict.removed["PREAMBLE"] == 1


def test_nothing_of_the_sources_file_meta_group_is_kept(clean):
    extra = make.element(0x00020013, "SH", "ZQXJVERSION")
    extra += make.element(0x00020016, "AE", "ZQXJTITLE")
    extra += make.element(0x00020100, "UI", "1.2.99.1") + make.element(0x00020102, "OB", b"ZQXJ")
    verdict = clean(make.ct(extra=extra))
    meta = opened(verdict).file_meta

    assert b"ZQXJ" not in verdict.data
    assert [int(element.tag) & 0xFFFF for element in meta] == [0, 1, 2, 3, 0x10, 0x12, 0x13]
    assert meta.MediaStorageSOPInstanceUID == opened(verdict).SOPInstanceUID
    assert meta.ImplementationClassUID.startswith("2.25.")


@pytest.mark.parametrize("tail", [b"ZQXJ trailing", b"\0" * 40, b"\x08\x00\x70\x00LO\x04\x00ZQXJ"])
def test_bytes_after_the_data_set_are_dropped(clean, tail):
    verdict = clean(make.ct() + tail)

    assert verdict.removed["TRAILING"] == 1
    assert opened(verdict).PixelData == make.PIXELS
    assert b"ZQXJ" not in verdict.data


def test_padding_and_group_lengths_are_dropped(clean):
    length = make.element(0x00080000, "UL", 99)
    padding = make.element(0xFFFCFFFC, "OB", b"ZQXJ")
    dataset = opened(clean(make.ct(length, padding)))

    assert 0x00080000 not in dataset
    assert 0xFFFCFFFC not in dataset


def test_pixels_stay_as_they_are_and_what_lies_behind_them_goes(clean):
    long = make.element(0x7FE00010, "OW", make.PIXELS + b"ZQXJZQXJ")

    assert opened(clean(make.ct())).PixelData == make.PIXELS
    assert opened(clean(make.ct(long))).PixelData == make.PIXELS


@pytest.mark.requirement("R25")
def test_the_file_says_what_was_done(clean):
    dataset = opened(clean(make.ct()))
    codes = dataset.DeidentificationMethodCodeSequence

    assert dataset.PatientIdentityRemoved == "YES"
    assert "PS3.15" in dataset.DeidentificationMethod[0]
    assert [(c.CodeValue, c.CodingSchemeDesignator) for c in codes] == [
        ("113100", "DCM"),
        ("113107", "DCM"),
    ]
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.requirement("R28")
def test_one_subject_has_one_pseudonym_and_one_shift_under_one_key(clean):
    first = opened(clean(make.ct()))
    second = opened(clean(make.ct(make.element(0x00080020, "DA", "20200310"))))
    foreign = opened(clean(make.ct(), key=OTHER_KEY))

    assert first.PatientID == second.PatientID == str(first.PatientName)
    assert days(second.StudyDate) - days(first.StudyDate) == 39
    assert first.StudyDate != "20200131"
    assert foreign.PatientID != first.PatientID
    assert foreign.StudyInstanceUID != first.StudyInstanceUID
    assert foreign.StudyDate != first.StudyDate


def days(value):
    return pydicom.valuerep.DA(value).toordinal()


@pytest.mark.requirement("R30")
def test_relations_between_files_stay(clean):
    image = opened(clean(make.ct()))
    reference = make.sequence(0x00081140, with_uid(0x00081155, make.INSTANCE))
    sibling = opened(
        clean(make.ct(reference, with_uid(0x00080018, "1.2.3.111.4"), instance="1.2.3.111.4"))
    )
    other_study = opened(clean(make.ct(with_uid(0x0020000D, "1.2.3.111.5"))))

    assert sibling.StudyInstanceUID == image.StudyInstanceUID
    assert sibling.SeriesInstanceUID == image.SeriesInstanceUID
    assert sibling.SOPInstanceUID != image.SOPInstanceUID
    assert sibling.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert other_study.StudyInstanceUID != image.StudyInstanceUID


def test_classes_and_codings_keep_their_registered_uids(clean):
    frame = with_uid(0x00200052, "1.2.840.10008.1.4.1.1")  # Talairach Brain Atlas
    private = with_uid(0x00081150, make.CT)
    dataset = opened(clean(make.ct(frame, make.sequence(0x00081140, private))))

    assert dataset.SOPClassUID == make.CT
    assert dataset.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"
    assert dataset.ReferencedImageSequence[0].ReferencedSOPClassUID == make.CT


def test_birth_dates_and_times_of_day_are_not_kept(clean):
    extra = [
        make.element(0x00100030, "DA", "19610607"),
        make.element(0x00080030, "TM", "131415.16"),
        make.element(0x00080033, "TM", "131415.16"),
        make.element(0x0008002A, "DT", "20200131131415.16+0800"),
    ]
    dataset = opened(clean(make.ct(*extra)))

    assert dataset.PatientBirthDate == ""
    assert dataset.StudyTime == ""
    assert dataset.ContentTime == "000000"
    assert dataset.AcquisitionDateTime.endswith("000000")
    assert dataset.AcquisitionDateTime[:8] == dataset.StudyDate


@pytest.mark.parametrize(
    "value", ["19993199", "soon", "2020-01-31", "20200131-20200202", "00010101"]
)
def test_what_is_no_date_does_not_pass_as_one(clean, value):
    dataset = opened(clean(make.ct(make.element(0x00080020, "DA", value))))

    assert dataset.StudyDate == ""


@pytest.mark.parametrize("syntax", [make.IMPLICIT, make.EXPLICIT, make.DEFLATED])
def test_every_native_syntax_is_read(clean, syntax):
    body = make.ct(syntax=syntax)
    start = body.index(b"DICM") + 4 + len(make.meta(syntax=syntax))
    dataset = body[start:]
    if syntax == make.DEFLATED:
        deflater = zlib.compressobj(wbits=-15)
        dataset = deflater.compress(dataset) + deflater.flush()
    verdict = clean(body[:start] + dataset)

    assert opened(verdict).PixelData == make.PIXELS


def test_the_subjects_row_is_found_by_its_record_number(clean):
    register = Register((RegisterRow("R1", mrn="MRN-0815-77", name="Ottilie Quackenbush"),))
    direct = opened(clean(make.ct(), register))
    named = opened(clean(make.ct(make.element(0x00100020, "LO", "")), register, subject="R1"))

    assert named.PatientID == direct.PatientID


def test_without_any_identity_a_file_is_cleaned_on_its_own(clean):
    verdict = clean(make.ct(without=(0x00100010, 0x00100020, 0x0020000D, 0x00080018)))

    assert opened(verdict).PatientID.startswith("S-")
    assert opened(verdict).file_meta.MediaStorageSOPInstanceUID.startswith("2.25.")


NAMES_ELSEWHERE = [
    (0x00081090, "LO", "Scanner of OTTILIE"),
    (0x00181020, "LO", "v1 quackenbush"),
    (0x00181160, "SH", "quackenbush, ottilie"[:16]),
    (0x00080070, "LO", "MRN-0815-77"),
    (0x00080070, "LO", "ottilie_quackenbush"),
    (0x00280006, "CS", "QUACKENBUSH"),
    (0x00282000, "OB", b"....Quackenbush...."),
]


@pytest.mark.requirement("R25")
@pytest.mark.parametrize(("tag", "vr", "value"), NAMES_ELSEWHERE[:5] + NAMES_ELSEWHERE[6:])
@pytest.mark.parametrize("depth", [0, 2])
def test_the_files_own_identifiers_are_found_in_elements_that_stay(clean, tag, vr, value, depth):
    verdict = clean(make.ct(make.nested(depth, make.element(tag, vr, value))))

    assert verdict.actions["S"] == 1
    assert verdict.removed["RESIDUE"] == 1
    raw = value if isinstance(value, bytes) else value.encode()
    assert raw not in verdict.data


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("written", ["检查者 王小东", "王 小 东", "联系 138-0013-8000"])
def test_register_values_are_found_however_they_are_written(clean, encoding, written):
    register = Register((RegisterRow("R9", name="王小东", phone="13800138000"),))
    text = make.element(0x00081090, "LO", written.encode(encoding))

    verdict = clean(make.ct(text), register)

    assert verdict.actions["S"] == 1
    assert written.encode(encoding) not in verdict.data


def test_words_that_only_contain_a_name_stay(clean):
    register = Register((RegisterRow("R9", name="Lee Ann"),))
    name = make.element(0x00100010, "PN", "Lee^Ann")

    dataset = opened(clean(make.ct(name, make.element(0x00080070, "LO", "Sleeve annex")), register))

    assert dataset.Manufacturer == "Sleeve annex"


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00180060, "DS", "120 Ottilie"),
        (0x00200013, "IS", "one"),
        (0x00081060, "PN", "Reader^Nora"),
        (0x00180015, "CS", "HEAD, with Ottilie!?"),
    ],
)
def test_values_that_their_representation_does_not_allow_are_emptied(clean, tag, vr, value):
    verdict = clean(make.ct(make.element(tag, vr, value)))

    assert value.encode() not in verdict.data


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00180060, "LO"),
        (0x00081090, "OB"),
        (0x00280030, "UT"),
        (0x00083333, "LO"),
        (0x0008F001, "UN"),
    ],
)
def test_elements_that_the_standard_does_not_know_so_go(clean, tag, vr):
    verdict = clean(make.ct(make.element(tag, vr, b"ZQXJ0815")))

    assert b"ZQXJ" not in verdict.data
    assert tag not in opened(verdict)


def test_an_element_of_unknown_representation_is_read_by_the_dictionary(clean):
    untold = make.element(0x0020000D, "UN", b"1.2.3.111.1\0")

    assert (
        opened(clean(make.ct(untold))).StudyInstanceUID == opened(clean(make.ct())).StudyInstanceUID
    )


def test_a_second_element_of_one_tag_goes(clean):
    body = make.element(0x00080070, "LO", "First ") + make.element(0x00080070, "LO", "Second")
    verdict = clean(make.ct(make.sequence(0x00081199, body)))

    assert b"Second" not in verdict.data


def test_icons_and_pixels_inside_sequences_go(clean):
    icon = make.element(0x7FE00010, "OW", b"ZQXJ" * 4)
    verdict = clean(make.ct(make.sequence(0x00081199, icon), make.sequence(0x00880200, icon)))

    assert b"ZQXJ" not in verdict.data


def test_a_name_in_the_table_of_offsets_goes(clean):
    table = make.element(0x7FE00001, "OV", b"Ottilie Quackenbush".ljust(24, b"\0"))
    offsets = make.element(0x7FE00001, "OV", bytes(24))

    assert b"Ottilie" not in clean(make.ct(table)).data
    assert opened(clean(make.ct(offsets)))[0x7FE00001].value == bytes(24)


def test_report_content_keeps_public_codes_and_loses_words(clean):
    coded = make.element(0x00080100, "SH", "121071") + make.element(0x00080102, "SH", "DCM")
    coded += make.element(0x00080104, "LO", "Finding")
    local = make.element(0x00080100, "SH", "ZQXJ1") + make.element(0x00080102, "SH", "99HOSP")
    local += make.element(0x00080104, "LO", "ZQXJ2")
    body = make.sequence(0x0040A043, coded) + make.element(0x0040A160, "UT", "ZQXJ3")
    body += make.sequence(0x0040A168, local) + make.element(0x0040A123, "PN", "ZQXJ4")
    verdict = clean(make.ct(make.sequence(0x0040A730, body), without=(0x7FE00010,)))
    content = opened(verdict).ContentSequence[0]

    assert content.ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    assert content.TextValue == "ANONYMIZED"
    assert b"ZQXJ" not in verdict.data


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*NAMES_ELSEWHERE, (0x00080020, "DA", "20190101"), (0x00091001, "LO", "x")]
        ),
        max_size=4,
        unique_by=lambda entry: entry[0],
    ),
    st.integers(0, 3),
    st.sampled_from([b"", b"tail", bytes(9)]),
)
def test_cleaning_twice_equals_once(clean, entries, depth, tail):
    inner = b"".join(make.element(*entry) for entry in sorted(entries, key=lambda e: e[0]))
    once = clean(make.ct(make.nested(depth, inner, tag=0x00081199)) + tail if depth else make.ct())

    twice = clean(once.data)

    assert twice.result is Result.CLEANED
    assert twice.data == once.data


def test_a_seal_of_another_key_or_over_other_bytes_counts_for_nothing(clean):
    once = clean(make.ct())
    touched = once.data.replace(make.PIXELS[:16], make.PIXELS[1:17], 1)
    readdressed = once.data.replace(b"2.25.", b"2.26.", 1)

    for data, key in ((once.data, OTHER_KEY), (touched, None), (readdressed, None)):
        again = clean(data, key=key) if key else clean(data)
        assert again.data != data
        assert again.actions


def test_a_sealed_file_is_held_when_the_register_has_learnt_of_a_value_in_it(clean):
    once = clean(make.ct(make.element(0x00081090, "LO", "Model Berenike")))
    register = Register((RegisterRow("R1", name="Berenike"),))

    assert clean(once.data, register).reason == "residue-found"
    assert clean(once.data, register).data is None


def test_the_result_is_valid_dicom_without_warnings(clean):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        str(opened(clean(make.ct())))
