"""Root files: random, for their owner only, opened by the right passphrase."""

import json
import os
import stat

import pytest

from crypto import canonical, roots, secretfile
from crypto.errors import VerificationError

PASSPHRASE = "a passphrase, 口令".encode()


@pytest.fixture(scope="module")
def sealed_root(tmp_path_factory):
    path = tmp_path_factory.mktemp("root") / "root.key"
    return path, roots.LocalRoot.create(path, PASSPHRASE)


def code_of(act, *arguments):
    with pytest.raises(VerificationError) as refused:
        act(*arguments)
    return refused.value.code


def written(path, **members):
    """The sealed file with some members changed."""
    content = {**json.loads(path.read_bytes()), **members}
    other = path.with_name("changed.key")
    other.unlink(missing_ok=True)
    secretfile.write(other, canonical.encode({k: v for k, v in content.items() if v is not None}))
    return other


def test_root_comes_back_from_its_file(tmp_path):
    path = tmp_path / "root.key"
    wrapped = roots.LocalRoot.create(path).wrap("name", b"key")

    assert roots.LocalRoot.open(path).unwrap("name", wrapped) == b"key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_root_under_a_passphrase_comes_back_with_it_only(sealed_root):
    path, root = sealed_root
    wrapped = root.wrap("name", b"key")

    assert roots.LocalRoot.open(path, PASSPHRASE).unwrap("name", wrapped) == b"key"
    assert code_of(roots.LocalRoot.open, path, PASSPHRASE + b" ") == "passphrase-wrong"
    assert code_of(roots.LocalRoot.open, path, b"") == "passphrase-wrong"
    assert code_of(roots.LocalRoot.open, path) == "passphrase-wrong"


def test_passphrase_for_a_plain_root_is_an_error_not_a_comfort(tmp_path):
    path = tmp_path / "root.key"
    roots.LocalRoot.create(path)

    assert code_of(roots.LocalRoot.open, path, PASSPHRASE) == "passphrase-wrong"


def test_root_is_never_written_over(tmp_path):
    path = tmp_path / "root.key"
    roots.LocalRoot.create(path)
    before = path.read_bytes()

    assert code_of(roots.LocalRoot.create, path) == "key-exists"
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_root_that_others_could_reach_is_refused(tmp_path, mode):
    path = tmp_path / "root.key"
    roots.LocalRoot.create(path)
    path.chmod(mode)

    assert code_of(roots.LocalRoot.open, path) == "file-exposed"


def test_wide_umask_does_not_widen_the_file(tmp_path):
    before = os.umask(0)
    try:
        roots.LocalRoot.create(tmp_path / "root.key")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "root.key").stat().st_mode) == 0o600


def test_link_folder_pipe_and_nothing_are_no_root_files(tmp_path):
    path = tmp_path / "root.key"
    roots.LocalRoot.create(path)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)

    assert code_of(roots.LocalRoot.open, tmp_path / "link") == "file-missing"
    assert code_of(roots.LocalRoot.open, tmp_path / "pipe") == "file-exposed"
    assert code_of(roots.LocalRoot.open, tmp_path / "folder") == "file-exposed"
    assert code_of(roots.LocalRoot.open, tmp_path / "nothing") == "file-missing"


@pytest.mark.parametrize(
    "members",
    [
        {"v": 2}, {"v": None}, {"kind": "scrypt"}, {"kind": None},
        {"memory_kib": 8}, {"memory_kib": 2**40}, {"memory_kib": "65536"}, {"memory_kib": None},
        {"passes": 1}, {"passes": 2**31}, {"lanes": 1}, {"lanes": 2**24}, {"salt": ""},
        {"salt": "AAAA"}, {"salt": 5}, {"sealed": ""}, {"sealed": None}, {"sealed": "!"},
        {"memory_kib": 65536.5},
    ],
    ids=str,
)  # fmt: skip
def test_file_with_other_members_is_refused(sealed_root, members):
    assert (
        code_of(roots.LocalRoot.open, written(sealed_root[0], **members), PASSPHRASE)
        == "root-malformed"
    )


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'{"v":1}', b'{ "v":1}', b'"text"', b"\xff"]
)
def test_file_of_another_form_is_no_root(tmp_path, content):
    secretfile.write(tmp_path / "root.key", content)

    assert code_of(roots.LocalRoot.open, tmp_path / "root.key") == "root-malformed"


def test_sealed_file_does_not_pass_for_a_plain_one(sealed_root):
    path = written(sealed_root[0], kind="plain")

    assert code_of(roots.LocalRoot.open, path, PASSPHRASE) == "passphrase-wrong"
    assert code_of(roots.LocalRoot.open, path) == "root-malformed"


def test_writing_leaves_nothing_beside_the_file(tmp_path):
    secretfile.write(tmp_path / "root.key", b"once")

    assert code_of(secretfile.write, tmp_path / "root.key", b"twice") == "key-exists"
    assert [path.name for path in tmp_path.iterdir()] == ["root.key"]
    assert secretfile.read(tmp_path / "root.key") == b"once"


def test_plain_root_of_another_length_is_refused(tmp_path):
    content = {"kind": "plain", "root": "AAAA", "v": 1}
    secretfile.write(tmp_path / "root.key", canonical.encode(content))

    assert code_of(roots.LocalRoot.open, tmp_path / "root.key") == "root-malformed"
    assert code_of(roots.LocalRoot, bytes(31)) == "key-malformed"


def test_wrapped_key_opens_under_its_name_only():
    root = roots.LocalRoot(bytes(32))
    wrapped = root.wrap("name", b"key")

    assert code_of(root.unwrap, "eman", wrapped) == "key-unwrap"
    for octets in (b"", wrapped[:11], wrapped[:-1], wrapped + b"\0"):
        assert code_of(root.unwrap, "name", octets) == "key-unwrap"
    for at in range(len(wrapped)):
        octets = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        assert code_of(root.unwrap, "name", octets) == "key-unwrap"


def test_neither_file_nor_wrapping_shows_the_root(sealed_root):
    path, _root = sealed_root

    assert set(json.loads(path.read_bytes())) == {
        "kind", "lanes", "memory_kib", "passes", "salt", "sealed", "v",
    }  # fmt: skip


NAME = "hospital:ab:000001"


@pytest.mark.requirement("R85")
def test_an_epoch_is_a_secret_of_its_own_and_its_end_ends_what_it_wrapped(tmp_path):
    path = tmp_path / "root.key"
    root = roots.LocalRoot.create(path)
    root.begin_epoch(NAME)
    root.begin_epoch(NAME)
    wrapped, (file,) = root.wrap(NAME, b"key"), (tmp_path / "root.epochs").iterdir()
    before = file.read_bytes()

    other = roots.LocalRoot.open(path)
    assert other.epochs() == [NAME]
    assert other.unwrap(NAME, wrapped) == b"key"
    other.end_epoch(NAME)
    other.end_epoch(NAME)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == bytes(len(before))
    assert code_of(root.unwrap, NAME, wrapped) == "key-destroyed"
    assert code_of(root.wrap, NAME, b"key") == "key-destroyed"
    assert code_of(root.begin_epoch, NAME) == "key-destroyed"
    assert root.epochs() == []


def test_the_root_alone_does_not_open_what_an_epoch_wrapped(tmp_path):
    path = tmp_path / "root.key"
    root = roots.LocalRoot.create(path)
    root.begin_epoch(NAME)
    wrapped = root.wrap(NAME, b"key")
    (file,) = (tmp_path / "root.epochs").iterdir()
    file.unlink()

    assert code_of(root.unwrap, NAME, wrapped) == "key-unwrap"


def test_an_epoch_of_another_name_or_root_opens_nothing(tmp_path):
    path = tmp_path / "root.key"
    root = roots.LocalRoot.create(path)
    root.begin_epoch(NAME)
    wrapped = root.wrap(NAME, b"key")
    (file,) = (tmp_path / "root.epochs").iterdir()
    file.rename(file.with_name("hospital.ab.000002.key"))

    assert code_of(root.unwrap, "hospital:ab:000002", wrapped) == "key-unwrap"
    assert code_of(root.wrap, "hospital:ab:000002", b"key") == "key-unwrap"


@pytest.mark.parametrize("name", ["", "../up", "A", "a b", "a" * 121])
def test_a_name_that_no_epoch_has_is_refused(name):
    root = roots.LocalRoot(bytes(32))

    assert code_of(root.begin_epoch, name) == "key-malformed"
    assert root.epochs() == []


def test_epochs_without_a_folder_end_with_the_process():
    root = roots.LocalRoot(bytes(32))
    root.begin_epoch(NAME)
    wrapped = root.wrap(NAME, b"key")
    assert root.unwrap(NAME, wrapped) == b"key"

    root.end_epoch(NAME)
    root.end_epoch("never:made")

    assert code_of(root.unwrap, NAME, wrapped) == "key-destroyed"
    assert root.epochs() == []


def test_wiping_what_is_not_there_says_so(tmp_path):
    assert code_of(secretfile.wipe, tmp_path / "none") == "file-missing"
