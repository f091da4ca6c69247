"""What every store of blobs promises, and what the folder can show."""

import hashlib
import os
from contextlib import suppress

import pytest

from sandbox.errors import NotFound, Unavailable, VerificationFailed
from sandbox.storage.blobs import FileBlobs

NO_DIGESTS = [
    "",
    "../../etc/passwd",
    "A" * 64,
    "a" * 63,
    "a" * 65,
    "sha256:" + "a" * 64,
    "a" * 64 + "\n",
]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("data", [b"", b"\0", "密文".encode(), bytes(range(256)) * 5000])
def test_a_blob_comes_back_under_its_digest(blobs, data):
    digest = blobs.put(data)

    assert digest == sha256(data)
    assert blobs.read(digest) == data
    assert blobs.size(digest) == len(data)
    assert blobs.exists(digest)
    assert list(blobs.digests()) == [digest]


def test_keeping_it_twice_is_once(blobs):
    assert blobs.put(b"x") == blobs.put(b"x")
    assert list(blobs.digests()) == [sha256(b"x")]


def test_digests_are_sorted(blobs):
    kept = sorted(blobs.put(bytes([number])) for number in range(40))

    assert list(blobs.digests()) == kept


def test_a_blob_is_written_piece_by_piece(blobs):
    with blobs.writer() as writer:
        assert writer.write(b"one ") == 4
        writer.write(b"")
        writer.write(b"two")
        assert list(blobs.digests()) == []
        digest = writer.commit()

    assert blobs.read(digest) == b"one two"


def test_an_opened_blob_can_be_read_anywhere(blobs):
    digest = blobs.put(b"0123456789")

    with blobs.open(digest) as source:
        source.seek(-3, os.SEEK_END)
        assert source.read() == b"789"
        source.seek(2)
        assert source.read(2) == b"23"


def test_what_was_not_committed_is_not_there(blobs):
    with blobs.writer() as writer:
        writer.write(b"x")
    with suppress(ZeroDivisionError), blobs.writer() as other:
        other.write(b"y")
        raise ZeroDivisionError

    assert list(blobs.digests()) == []
    assert not blobs.exists(sha256(b"x"))


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_a_finished_writer_takes_nothing_more(blobs, end):
    writer = blobs.writer()
    writer.write(b"x")
    getattr(writer, end)()

    with pytest.raises(Unavailable):
        writer.write(b"y")
    with pytest.raises(Unavailable):
        writer.commit()
    writer.abort()

    assert list(blobs.digests()) == ([sha256(b"x")] if end == "commit" else [])


@pytest.mark.parametrize("digest", ["b" * 64, *NO_DIGESTS])
def test_an_unknown_blob_is_not_found(blobs, digest):
    blobs.put(b"x")

    for ask in (blobs.read, blobs.open, blobs.size):
        with pytest.raises(NotFound) as refused:
            ask(digest)
        assert refused.value.code == "blob-unknown"
    assert not blobs.exists(digest)
    blobs.delete(digest)


def test_deleting_is_for_good_and_may_be_repeated(blobs):
    digest, other = blobs.put(b"x"), blobs.put(b"y")

    blobs.delete(digest)
    blobs.delete(digest)

    assert list(blobs.digests()) == [other]
    with pytest.raises(NotFound):
        blobs.read(digest)


# the folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blobs"


def place(folder, digest):
    return folder / digest[:2] / digest[2:]


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("change", ["flip-first", "flip-last", "cut", "extend", "empty", "swap"])
def test_an_altered_blob_is_refused(folder, change):
    blobs = FileBlobs(folder)
    data = b"ciphertext" * 1000
    digest = blobs.put(data)
    altered = {
        "flip-first": bytes([data[0] ^ 1]) + data[1:],
        "flip-last": data[:-1] + bytes([data[-1] ^ 0x80]),
        "cut": data[:-1],
        "extend": data + b"\0",
        "empty": b"",
        "swap": b"another whole blob",
    }

    place(folder, digest).write_bytes(altered[change])

    with pytest.raises(VerificationFailed) as refused:
        blobs.read(digest)
    assert refused.value.code == "blob-altered"
    assert blobs.put(data) == digest
    assert blobs.read(digest) == data


def test_blobs_survive_reopening(folder):
    digest = FileBlobs(folder).put(b"x")

    assert FileBlobs(folder).read(digest) == b"x"


def test_blob_files_are_for_their_owner_only(folder):
    digest = FileBlobs(folder).put(b"x")
    path = place(folder, digest)

    assert path.stat().st_mode & 0o777 == 0o600
    for each in (path.parent, folder / "staging", folder):
        assert each.stat().st_mode & 0o077 == 0


def test_orphans_are_swept_and_living_writers_left_alone(folder):
    blobs = FileBlobs(folder)
    (folder / "staging" / ("0" * 32)).write_bytes(b"of a killed process")
    writer = blobs.writer()
    writer.write(b"still being written")

    again = FileBlobs(folder)

    assert len(list((folder / "staging").iterdir())) == 1
    digest = writer.commit()
    assert again.read(digest) == b"still being written"
    assert list((folder / "staging").iterdir()) == []


def test_strangers_in_the_folder_are_no_blobs(folder):
    blobs = FileBlobs(folder)
    digest = blobs.put(b"x")
    (folder / digest[:2] / "notes.txt").write_bytes(b"?")
    (folder / "notes").mkdir()

    assert list(blobs.digests()) == [digest]


def test_a_folder_that_takes_nothing_is_unavailable(folder):
    blobs = FileBlobs(folder)
    (folder / "staging").rmdir()

    with pytest.raises(Unavailable):
        blobs.put(b"x")


def test_a_blob_whose_place_is_blocked_is_not_there(folder):
    blobs = FileBlobs(folder)
    (folder / sha256(b"x")[:2]).write_bytes(b"a file where a folder belongs")

    with pytest.raises(Unavailable):
        blobs.put(b"x")

    assert list((folder / "staging").iterdir()) == []


def test_a_blob_that_cannot_be_read_is_unavailable(folder):
    blobs = FileBlobs(folder)
    digest = sha256(b"x")
    place(folder, digest).mkdir(parents=True)

    with pytest.raises(Unavailable):
        blobs.read(digest)
    assert not blobs.exists(digest)
