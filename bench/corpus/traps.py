"""Places where identifiers hide beside the table's attributes; each file gets some of them.

A trap is sprung when what was hidden is found in the tool's output. What becomes of the element
itself is not judged: the profile leaves that open.

Source: DICOM PS3.15 2024b E.1.1, E.3.6, E.3.10; PS3.5 7.8; PS3.10 7.1.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from corpus.objects import SIDE, coded
from corpus.people import Subject
from corpus.plants import Planter
from corpus.truth import Plant, Sort

ACTION = "trap"
_GROUP, _CREATOR = 0x0009, "BENCH HEALTH 1.0"


@dataclass
class Snare:
    """What a trap is laid in."""

    planter: Planter
    subject: Subject
    kind: str
    trailing: bytes = b""

    @property
    def dataset(self) -> Dataset:
        return self.planter.dataset

    def word(self) -> str:
        """Something unique to hide."""
        return self.planter.maker.token()

    def note(
        self, name: str, path: list[int], tag: int, needles: list[str], codec: str = "utf_8"
    ) -> None:
        """Remember unique words, found anywhere in the output."""
        found = [needle.encode(codec).hex() for needle in needles]
        self.planter.plants.append(
            Plant(list(path), tag, "", Sort.TRAP, ACTION, needles=found, trap=name)
        )

    def note_person(self, name: str, path: list[int], tag: int) -> None:
        """Remember that the subject is named at this very place."""
        needles = [needle.hex() for needle in self.subject.needles()]
        plant = Plant(list(path), tag, "", Sort.TRAP, ACTION, needles=needles, trap=name)
        plant.shared = True
        self.planter.plants.append(plant)


def private(snare: Snare) -> None:
    """Private elements at the top, one of them of unknown representation."""
    one, two = snare.word(), snare.word()
    block = snare.dataset.private_block(_GROUP, _CREATOR, create=True)
    block.add_new(0x01, "LO", one)
    block.add_new(0x02, "UN", two.encode() + b" ")
    snare.note("private element", [], block.get_tag(1), [one, two])


def private_nested(snare: Snare) -> None:
    """A private element three levels down, and a private sequence."""
    one, two = snare.word(), snare.word()
    path, where = snare.planter.descend(3)
    block = where.private_block(_GROUP, _CREATOR, create=True)
    block.add_new(0x01, "LO", one)
    inner = Dataset()
    inner.PatientComments = two
    block.add_new(0x03, "SQ", [inner])
    snare.note("nested private element", path, block.get_tag(1), [one, two])


def overlay(snare: Snare) -> None:
    """An overlay plane with words in its bits, its label and its description."""
    words = [snare.word() for _ in range(4)]
    dataset = snare.dataset
    dataset.add_new(0x60000010, "US", 8)
    dataset.add_new(0x60000011, "US", 32)
    dataset.add_new(0x60000022, "LO", words[0])
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60001500, "LO", words[1])
    dataset.add_new(0x60003000, "OW", words[2].encode().ljust(32, b"\0"))
    dataset.add_new(0x60004000, "LT", words[3])
    snare.note("overlay", [], 0x60003000, words)


def curve(snare: Snare) -> None:
    """A curve of old, with a label."""
    words = [snare.word() for _ in range(2)]
    snare.dataset.add_new(0x50000005, "US", 1)
    snare.dataset.add_new(0x50000022, "LO", words[0])
    snare.dataset.add_new(0x50003000, "OW", words[1].encode() + b"\0")
    snare.note("curve", [], 0x50003000, words)


def preamble(snare: Snare) -> None:
    """Words before the first element."""
    word = snare.word()
    snare.dataset.preamble = word.encode().ljust(128, b"\0")
    snare.note("preamble", [], 0, [word])


def file_meta(snare: Snare) -> None:
    """Who sent the file, and a vendor's own words, in the file meta group."""
    title, note = snare.word().upper(), snare.word()
    meta = snare.dataset.file_meta
    meta.SourceApplicationEntityTitle = title
    meta.PrivateInformationCreatorUID = "1.2.826.0.1.3680043.10.1515.2"
    meta.PrivateInformation = note.encode() + b"\0"
    snare.note("file meta", [], 0x00020016, [title, note])


def trailing(snare: Snare) -> None:
    """A padding element behind everything, as old archives leave it, and loose bytes."""
    word = snare.word()
    snare.trailing = word.encode().ljust(64, b"\0")
    snare.note("trailing bytes", [], 0xFFFCFFFC, [word])


def behind_pixels(snare: Snare) -> None:
    """Words behind the last pixel, inside the pixels' element."""
    word = snare.word()
    pixels = snare.dataset.get(0x7FE00010)
    if pixels is not None and not snare.dataset.file_meta.TransferSyntaxUID.is_compressed:
        pixels.value += word.encode().ljust(SIDE, b"\0")
        snare.note("behind the last pixel", [], 0x7FE00010, [word])


def unknown_representation(snare: Snare) -> None:
    """Listed attributes written as UN, as relays write what they don't know."""
    one, two = snare.word(), snare.word()
    if 0x00104000 in snare.dataset or 0x00101001 in snare.dataset:
        return
    snare.dataset.add_new(0x00104000, "UN", one.encode() + b" ")
    snare.dataset.add_new(0x00101001, "UN", two.replace("-", "^").encode() + b" ")
    snare.note("listed attribute as UN", [], 0x00104000, [one, two.split("-")[0]])


def unknown_element(snare: Snare) -> None:
    """An element of an even group that no edition knows."""
    word = snare.word()
    snare.dataset.add_new(0x0018FFF2, "UN", word.encode() + b" ")
    snare.note("unknown element", [], 0x0018FFF2, [word])


def unlisted_name(snare: Snare) -> None:
    """A person's name in an attribute for names that the table doesn't list."""
    word = snare.word().replace("-", "^")
    snare.dataset.add_new(0x00142006, "PN", word)
    snare.note("unlisted person name", [], 0x00142006, [word.split("^")[0]])


def spoken_at_top(snare: Snare) -> None:
    """The subject's name and number in a remark that the table doesn't list."""
    who = snare.subject
    text = f"Patient {who.spoken}, {who.mrn}, called back on {who.phone}"
    snare.dataset.add_new(0x00400400, "LT", text)
    snare.note_person("name in unlisted text", [], 0x00400400)


def spoken_below(snare: Snare) -> None:
    """The same below four levels, and in the meaning of a code."""
    who = snare.subject
    path, where = snare.planter.descend(4)
    where.add_new(0x00281351, "ST", f"view of {who.spoken} ({who.mrn})")
    snare.note_person("name in nested unlisted text", path, 0x00281351)
    where.add_new(0x00082228, "SQ", [coded("T-1", "99LOCAL", f"hand of {who.spoken}")])
    snare.note_person("name in a code's meaning", [*path, 0x00082228, 0], 0x00080104)


def spoken_in_code(snare: Snare) -> None:
    """The subject's record number in an attribute for codes."""
    snare.dataset.add_new(0x00181260, "SH", snare.subject.mrn)
    snare.note_person("record number as a device's code", [], 0x00181260)


def comment_in_pixels(snare: Snare) -> None:
    """The subject's name in a comment of a JPEG image."""
    dataset = snare.dataset
    native = "PixelData" in dataset and len(dataset.PixelData) == 2 * SIDE * SIDE
    if not native or 0x7FE00001 in dataset:  # in colour, or with a trap in it already
        return
    pixels = np.frombuffer(dataset.PixelData, "<u2", SIDE * SIDE).reshape(SIDE, SIDE) >> 2
    stream = io.BytesIO()
    comment = f"{' '.join(snare.subject.latin)} {snare.subject.mrn}".encode()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", comment=comment)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.add_new(0x7FE00010, "OB", encapsulate([stream.getvalue()]))
    dataset[0x7FE00010].is_undefined_length = True
    snare.note_person("comment in compressed pixels", [], 0x7FE00010)


def unlisted_uid(snare: Snare) -> None:
    """A UID of the patient's own frame of reference that the table doesn't list."""
    uid = snare.planter.maker.uid()
    snare.dataset.add_new(0x00209312, "UI", uid)
    snare.note("unlisted UID", [], 0x00209312, [uid])


def unlisted_date(snare: Snare) -> None:
    """The moment at which the study was updated, which the table doesn't list."""
    maker = snare.planter.maker
    moment = f"{maker.day():%Y%m%d}{maker.clock()}"
    snare.dataset.add_new(0x0008041F, "DT", moment)
    snare.note("unlisted date", [], 0x0008041F, [moment])


def shouted(snare: Snare) -> None:
    """The name in capitals, family name last, as some devices print it."""
    family, given = (word.upper() for word in snare.subject.latin)
    snare.dataset.add_new(0x00187006, "LT", f"PAT {given},{family} SHIFT 2")
    snare.note("name in capitals", [], 0x00187006, [family, given], "latin_1")


def other_encoding(snare: Snare) -> None:
    """A Chinese name in another encoding than the file declares."""
    if not snare.subject.hanzi[0]:
        return
    codec = "utf_8" if snare.subject.charset != "ISO_IR 192" else "gb18030"
    name = "".join(snare.subject.hanzi).encode(codec)
    snare.dataset.add_new(0x00189080, "ST", b"see " + name + b" " * (len(name) % 2))
    snare.note_person("name in another encoding", [], 0x00189080)


def offset_table(snare: Snare) -> None:
    """The subject's name in the element that lists where frames begin."""
    if "PixelData" not in snare.dataset or snare.dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    words = f"{snare.subject.latin[1]} {snare.subject.mrn}".encode()
    snare.dataset.add_new(0x7FE00001, "OV", words.ljust(32, b"\0"))
    snare.note_person("name in the offset table", [], 0x7FE00001)


def born(snare: Snare) -> None:
    """The day of birth in a remark, as people write it."""
    day = snare.subject.born
    forms = (f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day.year}年{day.month}月{day.day}日")
    chinese = snare.subject.charset in {"ISO_IR 192", "GB18030"}
    text = forms[2] if chinese else forms[snare.subject.number % 2]
    snare.dataset.add_new(0x00080402, "LT", f"DOB {text}, seen again")
    codec = "gb18030" if snare.subject.charset == "GB18030" else "utf_8"
    snare.note("day of birth in unlisted text", [], 0x00080402, [text], codec)


def accession(snare: Snare) -> None:
    """The accession number where a device's settings are told."""
    number = str(snare.dataset.AccessionNumber)
    snare.dataset.add_new(0x00187008, "LT", f"job {number} done")
    snare.note("accession number in unlisted text", [], 0x00187008, [number])
    snare.planter.plants[-1].shared = True


def stranger(snare: Snare) -> None:
    """The name of a physician whom the file names nowhere else."""
    family, given = (snare.word().split("-")[0] for _ in range(2))
    snare.dataset.add_new(0x0018003A, "ST", f"Intervention by Dr. {given} {family}")
    snare.note("physician in unlisted text", [], 0x0018003A, [family, given])
    family, given = (snare.word().split("-")[0] for _ in range(2))
    snare.dataset.add_new(0x00400255, "LO", f"as Dr. {given} {family} wishes")
    snare.note("physician in unlisted short text", [], 0x00400255, [family, given])


def other_calendar(snare: Snare) -> None:
    """The day of birth in another calendar, which no edition of the table lists yet."""
    token = snare.word()
    snare.dataset.add_new(0x00100033, "LO", f"庚子{token}" if snare.subject.hanzi[0] else token)
    snare.note("day of birth in another calendar", [], 0x00100033, [token])


TRAPS: tuple[Callable[[Snare], None], ...] = (
    private,
    private_nested,
    overlay,
    curve,
    preamble,
    file_meta,
    trailing,
    behind_pixels,
    unknown_representation,
    unknown_element,
    unlisted_name,
    spoken_at_top,
    spoken_below,
    spoken_in_code,
    comment_in_pixels,
    unlisted_uid,
    unlisted_date,
    shouted,
    other_encoding,
    offset_table,
    born,
    accession,
    stranger,
    other_calendar,
)
"""Laid by turns; their number and that in a file share no factor, so that each meets each."""

IN_A_FILE = 5
