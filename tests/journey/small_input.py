"""A small folder for the demo: scanner files and reports with planted canaries, or odd things."""

import os
from pathlib import Path

import pydicom
from canaries import CHINESE, FILE_NAME, ID_NUMBER, LATIN, MRN, PHONE
from pydicom.data import get_testdata_file

_SCANS = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "rtplan.dcm",
    "reportsi.dcm",
    "JPEG2000.dcm",
    "liver_1frame.dcm",
)
_REPORTS = {
    f"{FILE_NAME}-1.txt": f"Patient: {LATIN} Mirelle\nMRN: {MRN}\nFindings: a nodule in {LATIN}.\n",
    "报告-2.txt": f"姓名：{CHINESE}\n身份证号：{ID_NUMBER}\n电话：{PHONE}\n检查所见：未见异常。\n",
    "report-3.txt": f"{CHINESE}的复查报告，病历号 {MRN}，与前片相仿。联系电话{PHONE}。\n",
}


def scan(name: str) -> bytes:
    return Path(str(get_testdata_file(name, download=False))).read_bytes()


def planted(folder: Path) -> Path:
    """Eight scans and three reports about one person; the register lies beside the folder."""
    folder.mkdir()
    for number, name in enumerate(_SCANS):
        film = pydicom.dcmread(str(get_testdata_file(name, download=False)))
        film.SpecificCharacterSet = "ISO_IR 192"
        film.PatientName = f"{LATIN}^Mirelle={CHINESE}"
        film.PatientID = MRN
        film.PatientComments = f"{CHINESE} {ID_NUMBER} tel {PHONE}"
        film.add_new((0x0099, 0x0010), "LO", LATIN)
        film.save_as(folder / f"{FILE_NAME}-{number}-{name}")
    for name, text in _REPORTS.items():
        encoding = "gb18030" if name.startswith("报告") else "utf-8"
        (folder / name).write_bytes(text.encode(encoding))
    rows = ("id,name,id_number,mrn,phone", f"p1,{CHINESE},{ID_NUMBER},{MRN},{PHONE}")
    register = folder.parent / "register.csv"
    register.write_text("\n".join((*rows, f"p2,{LATIN} Mirelle,,,")) + "\n", encoding="utf-8")
    return register


def odd(folder: Path) -> None:
    """Two scans that can be cleaned, under odd names, amid what can't."""
    folder.mkdir()
    (folder / "影像 一号.dcm").write_bytes(scan("CT_small.dcm"))
    (folder / ("长" * 80 + ".dcm")).write_bytes(scan("MR_small.dcm"))
    (folder / "of two\nlines.dcm").write_bytes(b"DICM but not at its place")
    junk(folder / "more")
    below = os.fsencode(folder)
    with open(below + b"/\xff\xfe\xb2\xe2.dcm", "wb") as file:  # noqa: PTH123 - a name of octets
        file.write(scan("CT_small.dcm")[:700])
    (folder / "link.dcm").symlink_to(folder / "影像 一号.dcm")
    (folder / "loop").symlink_to(folder)
    (folder / "dangling").symlink_to("/nowhere/at/all")
    os.mkfifo(folder / "pipe.dcm")


def junk(folder: Path) -> None:
    """Nothing that can be cleaned."""
    folder.mkdir()
    (folder / "empty.dcm").touch()
    (folder / "empty.txt").touch()
    (folder / "random.dcm").write_bytes(bytes(range(256)) * 9)
    (folder / "program.dcm").write_bytes(b"MZ" + bytes(126) + b"DICM" + b"\xff" * 64)
    (folder / "table.csv").write_text("name,value\nx,1\n")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
