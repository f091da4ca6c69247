"""What every key store promises, and what stays in the files of the one on disk."""

import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from crypto.errors import VerificationError
from crypto.keytree import KeyTree
from crypto.roots import LocalRoot
from sandbox.errors import Unavailable
from sandbox.storage.keystore import SqliteKeyStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vault" / "keys.sqlite"


@pytest.fixture
def on_disk(path):
    opened = SqliteKeyStore(path, busy_timeout_s=0.2)
    yield opened
    opened.close()


def bytes_on_disk(path):
    return b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_a_blob_comes_back(keys):
    keys.add("subject:1", b"\0wrapped")

    assert keys.get("subject:1") == b"\0wrapped"
    assert keys.get("subject:2") is None


def test_a_taken_name_is_refused(keys):
    keys.add("a", b"first")

    with pytest.raises(VerificationError) as refused:
        keys.add("a", b"second")

    assert refused.value.code == "key-exists"
    assert keys.get("a") == b"first"


def test_putting_replaces(keys):
    keys.put("a", b"first")
    keys.put("a", b"second and longer")

    assert keys.get("a") == b"second and longer"
    assert list(keys.names("")) == ["a"]


def test_destroying_may_be_repeated(keys):
    keys.add("a", b"first")

    keys.destroy("a")
    keys.destroy("a")
    keys.destroy("never")

    assert keys.get("a") is None
    keys.add("a", b"again")


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("", ["item:1", "item:10", "item:2", "items", "record:%", "密:1"]),
        ("item:", ["item:1", "item:10", "item:2"]),
        ("item:1", ["item:1", "item:10"]),
        ("record:%", ["record:%"]),
        ("%", []),
        ("Item", []),
        ("密", ["密:1"]),
    ],
)
def test_names_are_found_by_prefix_in_order(keys, prefix, names):
    for name in ("items", "item:2", "item:10", "item:1", "record:%", "密:1"):
        keys.add(name, b"x")

    assert list(keys.names(prefix)) == names


def test_a_key_tree_stands_on_it(keys, tmp_path):
    tree = KeyTree(LocalRoot.create(tmp_path / "root.key"), keys)
    tree.create("hospital", None)
    key = tree.create("dataset", "hospital")

    assert tree.key("dataset") == key

    tree.destroy("hospital")
    with pytest.raises(VerificationError) as refused:
        tree.key("dataset")
    assert refused.value.code == "key-destroyed"


def test_keys_survive_reopening(on_disk, path):
    on_disk.add("a", b"wrapped")
    on_disk.close()

    again = SqliteKeyStore(path)

    assert again.get("a") == b"wrapped"
    again.close()


def test_key_files_are_for_their_owner_only(on_disk, path):
    on_disk.add("a", b"wrapped")

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(path.parent.iterdir())) == 4
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("size", [60, 3000, 20_000])
def test_a_destroyed_key_is_in_no_file(on_disk, path, size):
    doomed = {f"k{number}": secrets.token_bytes(size) for number in range(60)}
    for name, blob in doomed.items():
        on_disk.add(name, blob)
    assert all(blob[-40:] in bytes_on_disk(path) for blob in doomed.values())

    for name in list(doomed)[::2]:
        on_disk.destroy(name)

    left = bytes_on_disk(path)
    for number, blob in enumerate(doomed.values()):
        assert (blob[-40:] in left) == bool(number % 2)


def test_a_replaced_key_is_in_no_file(on_disk, path):
    old, new = secrets.token_bytes(60), secrets.token_bytes(75)
    on_disk.add("a", old)

    on_disk.put("a", new)

    assert old not in bytes_on_disk(path)
    on_disk.close()
    assert new in bytes_on_disk(path)


def test_a_reader_that_holds_the_journal_is_said_to(on_disk, path):
    on_disk.add("a", b"wrapped")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM keys").fetchall()

    with pytest.raises(Unavailable) as refused:
        on_disk.destroy("a")

    assert refused.value.code == "key-still-in-journal"
    assert on_disk.get("a") is None
    reader.close()
    on_disk.destroy("a")
    assert b"wrapped" not in bytes_on_disk(path)


def test_a_locked_store_is_unavailable_and_unchanged(on_disk, path):
    on_disk.add("a", b"wrapped")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    for write in (lambda: on_disk.put("a", b"new"), lambda: on_disk.destroy("a")):
        with pytest.raises(Unavailable):
            write()
    with pytest.raises(Unavailable):
        on_disk.add("b", b"new")

    writer.close()
    assert on_disk.get("a") == b"wrapped"
    assert list(on_disk.names("")) == ["a"]


def test_what_is_no_key_store_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)

    with pytest.raises(Unavailable):
        SqliteKeyStore(path)


def test_threads_share_a_key_store(on_disk):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: on_disk.add(f"k{number:03}", b"x"), range(60)))

    assert len(list(on_disk.names("k"))) == 60


def test_processes_share_a_key_store(child, path):
    processes = [child("keys", path.parent, 25) for _ in range(3)]

    told = [name for process in processes for name in process.communicate()[0].split()]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(told) == 75
    store = SqliteKeyStore(path)
    assert sorted(told) == list(store.names("object:"))
    assert len(store.get("shared")) == 60
    store.close()
