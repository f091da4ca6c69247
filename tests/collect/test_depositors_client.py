"""The depositor's own side: folders, registers, and files that change under the hand."""

import os
from io import BytesIO

import pytest

from api.client.batch import Namer
from api.client.deposit import Source, seal_folder, send
from api.client.errors import ClientError
from api.client.folders import Found, open_regular, walk
from api.client.http import connect
from api.client.keys import make_keys
from api.client.manifest import IntakeKey, read_subjects, seal_object
from api.client.parts import MOST_FILES
from api.client.sealer import Job, Sealer
from api.register import rows_of
from crypto import sealing
from sandbox.errors import Malformed, Unacceptable

HEAD = b"id,name,id_number,mrn,phone\n"
KEY = IntakeKey("1" * 32, "2" * 32, "3" * 32, sealing.generate().public_bytes, b"n" * 32)


def test_a_walk_finds_regular_files_and_follows_no_link(tmp_path):
    (tmp_path / "甲").mkdir()
    (tmp_path / "甲" / "1 .txt").write_text("x")
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "甲" / "link").symlink_to(tmp_path / "甲" / "1 .txt")
    os.mkfifo(tmp_path / "pipe")

    assert [found.name for found in walk(tmp_path)] == ["甲/1 .txt"]


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_what_took_a_files_place_is_not_read(tmp_path, what: str):
    path = tmp_path / "x"
    {"link": lambda: path.symlink_to("/etc/hostname"), "pipe": lambda: os.mkfifo(path)}.get(
        what, path.mkdir
    )()

    with pytest.raises(OSError):  # noqa: PT011 - which one, the system says
        open_regular(path)


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_changes_while_it_is_sealed_is_refused(size: int):
    with pytest.raises(ClientError) as refused:
        seal_object(BytesIO(b"abc"), size, BytesIO(), KEY, "4" * 32, "5" * 32)

    assert refused.value.code == "file-changed"


def test_an_empty_folder_is_no_deposit(tmp_path):
    with pytest.raises(ClientError) as refused:
        Source.of(tmp_path)

    assert refused.value.code == "nothing-to-deposit"


def test_a_large_folder_becomes_several_deposits(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    found = Found(tmp_path / "a.txt", "a.txt")
    told: list[tuple[str, int, int]] = []

    made = seal_folder(
        Source([found] * (MOST_FILES + 1)),
        KEY,
        make_keys(tmp_path / "home"),
        tmp_path / "spool",
        lambda *said: told.append(said),
    )

    assert [len(list((one / "objects").iterdir())) for one in made] == [MOST_FILES + 1, 2]
    assert [said for said in told if said[1] == said[2]] == [
        ("name", MOST_FILES + 1, MOST_FILES + 1),
        ("seal", MOST_FILES, MOST_FILES),
        ("seal", 1, 1),
    ]


def test_the_spool_holds_neither_names_nor_words(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "王小明.txt").write_text("肺结节")

    seal_folder(Source.of(folder), KEY, make_keys(tmp_path / "home"), tmp_path / "spool")

    spool = [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
    octets = b"".join(path.read_bytes() for path in spool)
    for secret in ("王小明", "肺结节"):
        assert secret.encode() not in octets
        assert not any(secret in path.name for path in spool)


@pytest.mark.parametrize("content", [None, "", "{}", '{"ledger": 1}', "[]"])
def test_a_folder_that_was_not_sealed_to_its_end_is_not_sent(tmp_path, content: str | None):
    if content is not None:
        (tmp_path / "deposit.json").write_text(content)
    door = connect("http://127.0.0.1:9")

    with pytest.raises(ClientError) as refused:
        send(door, tmp_path)
    door.http.close()

    assert refused.value.code == "spool-malformed"


def test_a_register_is_read_with_its_gaps(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("\ufeffid,name,id_number,mrn,phone\np1,王小明,, M-1 ,\n", encoding="utf-8")

    (row,) = rows_of(path)

    assert row == {"id": "p1", "name": "王小明", "id_number": None, "mrn": "M-1", "phone": None}


@pytest.mark.parametrize(
    "content",
    [
        b"id,nome\n1,x\n",
        b"id,name\n1,x\n",
        HEAD + b",x,,,\n",
        HEAD + b"1,x\n",
        HEAD + b"1,x,,,\n1,y,,,\n",
        HEAD + b'1,"x\n',
        b"\xff\xfe\x00",
    ],
)
def test_a_register_of_another_form_is_refused_without_its_values(tmp_path, content: bytes):
    path = tmp_path / "r.csv"
    path.write_bytes(content)

    with pytest.raises(Malformed) as refused:
        rows_of(path)

    assert refused.value.code == "register-malformed"
    assert "x" not in refused.value.message


def test_a_register_that_is_not_there_is_named_as_such(tmp_path):
    with pytest.raises(Unacceptable) as refused:
        rows_of(tmp_path / "none.csv")

    assert refused.value.code == "register-unreadable"


@pytest.mark.parametrize("content", [b"file\na\n", b"file,subject,more\n", b"\xff"])
def test_a_list_of_subjects_of_another_form_is_refused(tmp_path, content: bytes):
    path = tmp_path / "s.csv"
    path.write_bytes(content)

    with pytest.raises(ClientError) as refused:
        read_subjects(path)

    assert refused.value.code == "subjects-malformed"


def test_subjects_are_read_by_path(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("file,subject\n甲/1.txt,p1\n", encoding="utf-8")

    source = Source([], subjects=read_subjects(path), subject="other")

    assert (source.about("甲/1.txt"), source.about("b.txt")) == ("p1", "other")


def test_processes_seal_what_one_would_and_end(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.txt").write_text(f"report {number}")
    names = list(Namer(Source.of(folder), KEY).all(lambda _: None, lambda _: None))
    (folder / "7.txt").write_text("changed")
    jobs = [Job(named, KEY, "4" * 32, tmp_path / named.object_id) for named in names]
    pool = Sealer(worth_s=0.0)

    done = list(pool.each(jobs))
    pool.close()

    assert [one.named for one in done] == names
    assert [one.named.name for one in done if one.row is None] == ["7.txt"]
    sealed = {one.row.object_id for one in done if one.row}
    assert sealed == {path.name for path in tmp_path.iterdir() if path.is_file()}
