"""Two projects on one dataset: nothing that identifies anything is in both."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from dicom_maker import ct, element, sequence
from enclave_house import LEDGER, EnclaveHouse
from identifiers import common, contents, entries, looks_like_identifiers, of_project
from pydicom.data import get_testdata_file

from crypto.padding import padded_size
from sandbox.deid.dicom_actions import _DUMMIES
from sandbox.deid.text_rekey import outline
from sandbox.formats.dicom_words import KNOWN_UIDS
from sandbox.formats.dicom_write import IMPLEMENTATION_CLASS_UID
from sandbox.records.deposits import Item
from sandbox.records.labels import ProjectItem

REGISTER = [
    {"id": "p1", "name": "王小明", "id_number": None, "mrn": "MRN-0815-77", "phone": "13800138000"}
]
REPORT = """患者：王小明，住院号：MRN-0815-77，电话 13800138000。
2020年1月31日入院，2月3日手术，20.2.9 复查；2020年3月随访。Seen on Feb 21st, 2020."""
EQUAL_FOR_ALL = KNOWN_UIDS | set(_DUMMIES.values()) | set(IMPLEMENTATION_CLASS_UID.split("2.25."))
EQUAL_FOR_ALL |= {IMPLEMENTATION_CLASS_UID}


def study() -> dict[str, bytes]:
    """A series of one patient that refers to itself, two films of others, and two reports."""
    series = {
        f"{n}.dcm": ct(
            element(0x00080018, "UI", f"1.2.3.111.3.{n}"),
            element(0x00080022, "DA", f"2020020{n + 1}"),
            sequence(0x00081140, element(0x00081155, "UI", f"1.2.3.111.3.{(n + 1) % 4}")),
            element(0x00200013, "IS", str(n)),
            element(0x00080050, "SH", "ACC-20200131"),
            element(0x00200010, "SH", "STUDY-20200131"),
        )
        for n in range(4)
    }
    wheel = {
        name: Path(get_testdata_file(name, download=False)).read_bytes()
        for name in ("CT_small.dcm", "MR_small.dcm")
    }
    return {**series, **wheel, "a.txt": REPORT.encode(), "b.txt": "2020年5月6日复诊".encode()}


class Both:
    """A dataset whose items two projects got.

    The keys of its pseudonyms are given: random ones give two projects of one subject the same
    shift once in 365 times, as they should.
    """

    def __init__(self, house: EnclaveHouse, files: dict[str, bytes]) -> None:
        self.house = house
        self.dataset = house.receiving()
        keys = house.vault.keys(LEDGER, self.dataset)
        keys.taken("pseudonyms", bytes([1]) * 32)
        house.deposit(self.dataset, files, REGISTER)
        house.run_worker()
        house.sign_approval(house.sampled(self.dataset))
        self.one, self.two = house.project(self.dataset), house.project(self.dataset)
        for number, project in enumerate((self.one, self.two)):
            keys.taken(f"project:{project}", bytes([2 + number]) * 32)
        house.run_worker()

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """What each project was given for one and the same master."""
        one, two = (contents(self.house, project) for project in (self.one, self.two))
        return [(one[source], two[source]) for source in sorted(one)]


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Iterator[Both]:
    house = EnclaveHouse(tmp_path_factory.mktemp("house"))
    yield Both(house, study())
    house.close()


@pytest.mark.requirement("R28")
@pytest.mark.requirement("R16")
def test_no_identifier_is_in_both(both: Both):
    one, two = of_project(both.house, both.one), of_project(both.house, both.two)

    shared = one & two - common(both.house, both.dataset) - EQUAL_FOR_ALL
    assert len(both.pairs()) == len(study())
    assert min(len(one), len(two)) > 90
    assert shared == set()


@pytest.mark.requirement("R28")
def test_neither_shares_one_with_the_masters_or_the_sources(both: Both):
    house, known = both.house, common(both.house, both.dataset) | EQUAL_FOR_ALL
    sources = {
        v for data in study().values() for v in looks_like_identifiers(data.decode("latin_1"))
    }
    with house.snapshot() as tables:
        items = tables.of(Item).find(dataset=both.dataset)
        told = " ".join(
            f"{i.id} {i.object_id} {i.blob} {i.record_blob} {i.subject} {i.master_commitment} "
            f"{i.record_commitment} {i.approval} {i.source_blob} {i.deposit}"
            for i in items
        )

    for project in (both.one, both.two):
        own = of_project(house, project) - known
        assert not own & sources
        assert not own & looks_like_identifiers(told)


@pytest.mark.requirement("R28")
def test_within_a_project_one_subject_is_one(both: Both):
    for project in (both.one, both.two):
        files = [
            pydicom.dcmread(BytesIO(content))
            for content in contents(both.house, project).values()
            if content[128:132] == b"DICM"
        ]
        series = [f for f in files if f.get("ReferencedImageSequence")]

        instances = {f.SOPInstanceUID for f in series}
        assert len(series) == len(instances) == 4
        assert {f.ReferencedImageSequence[0].ReferencedSOPInstanceUID for f in series} == instances
        assert len({(f.StudyInstanceUID, f.SeriesInstanceUID, f.PatientID) for f in series}) == 1
        assert len({f.PatientID for f in files}) == 3


@pytest.mark.requirement("R28")
def test_intervals_stay_between_films_and_reports_of_one_subject(both: Both):
    found = []
    for project in (both.one, both.two):
        given = contents(both.house, project).values()
        text = next(c.decode() for c in given if b"ID_NUMBER" not in c and "手术".encode() in c)
        written = re.search(r"(\d{4})年(\d+)月(\d+)日\]入院", text)
        films = [pydicom.dcmread(BytesIO(c)) for c in given if c[128:132] == b"DICM"]
        (shown,) = {f.StudyDate for f in films if f.get("ReferencedImageSequence")}
        found.append((shown, "{}{:0>2}{:0>2}".format(*written.groups())))

    # The report's patient was admitted on the day of the study.
    assert found[0][0] == found[0][1]
    assert found[1][0] == found[1][1]
    assert found[0] != found[1]


def test_what_the_threat_model_lists_is_equal(both: Both):
    for one, two in both.pairs():
        if one[128:132] == b"DICM":
            before, after = (pydicom.dcmread(BytesIO(data)) for data in (one, two))
            assert before.PixelData == after.PixelData
            assert before.get("InstanceNumber") == after.get("InstanceNumber")
        else:
            assert one != two
            assert outline(one.decode()) == outline(two.decode())


@pytest.mark.requirement("R28")
def test_ciphertexts_share_no_byte_run_and_only_padded_sizes(both: Both):
    rows = {p: {r.source_item: r for r in both.house.issued(p)} for p in (both.one, both.two)}

    for source, row in rows[both.one].items():
        one, two = (both.house.blobs.read(r.blob) for r in (row, rows[both.two][source]))
        assert not any(one[at : at + 8] in two for at in range(0, min(len(one), 4096), 8))
    for project, issued in rows.items():
        opened = contents(both.house, project)
        for source, row in issued.items():
            content = len(opened[source])
            assert both.house.blobs.size(row.blob) >= padded_size(content) > content


@pytest.mark.requirement("R28")
def test_items_are_issued_in_an_order_of_each_project(both: Both):
    orders = [
        [r.source_item for r in sorted(both.house.issued(p), key=lambda row: row.issued_index)]
        for p in (both.one, both.two)
    ]

    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) != orders[0]


@pytest.mark.requirement("R16")
def test_an_entry_of_one_project_names_nothing_that_leads_to_the_other(both: Both):
    masters = {item.id for item in both.house.items(both.dataset)}
    for project, other in ((both.one, both.two), (both.two, both.one)):
        for entry in entries(both.house, project, both.house.issued(project)):
            named = set(entry["objects"].values())
            assert other not in named
            assert not named & masters
            assert not named & {item.approval for item in both.house.items(both.dataset)}


def test_ids_are_derived_and_not_guessed_from_one_another(both: Both):
    with both.house.snapshot() as tables:
        rows = tables.of(ProjectItem).find()

    assert len({row.id for row in rows}) == 2 * len(study())
    assert all(re.fullmatch(r"[0-9a-f]{32}", row.id) for row in rows)
