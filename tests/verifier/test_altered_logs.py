"""A log that was cut, mended, forked or filled with foreign files; a log that continues another."""

import os

import pytest
from small_hospital import SmallHospital, hospital
from small_log import SmallLog, named
from verdicts import (
    BROKEN,
    CANNOT_TELL,
    SOUND,
    assert_broken,
    on_file,
    on_log,
    pins_of,
    story,
)

from crypto import canonical, verifier
from crypto.checkpoint import Checkpoint, sign_checkpoint
from crypto.note import sign_note


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


@pytest.fixture(scope="module")
def large() -> SmallHospital:
    return hospital(300)


def rewritten(raw: list[bytes], **log: str) -> SmallHospital:
    """The same people and keys (or others'), another list of entries, all signed anew."""
    made = SmallHospital(**log)
    made.take(raw)
    return made


def rechained(entries: list[dict]) -> list[bytes]:
    """Entries numbered and chained anew, as an operator would who hides something."""
    raw: list[bytes] = []
    for index, entry in enumerate(entries):
        prev = verifier.digest_of(raw[-1] if raw else b"")
        raw.append(canonical.encode({**entry, "index": index, "prev": prev}))
    return raw


# --- the tree and its keys ---------------------------------------------------------------------
def test_a_log_is_sound_at_every_size(house):
    for size in range(len(house.raw) + 1):
        assert on_log(house.files(size), pins_of(house))[0] == SOUND, size


@pytest.mark.parametrize("drop", [1, 5, 20])
def test_entries_cut_off_the_end_are_named(house, drop):
    shorter = rewritten(house.raw[:-drop])

    files = {**shorter.files(), "checkpoint": house.checkpoint().encode()}

    assert_broken(on_log(files, pins_of(house)), "file-missing")


@pytest.mark.parametrize(
    "reorder",
    [
        lambda raw: raw[:9] + raw[10:],
        lambda raw: [*raw[:9], raw[10], raw[9], *raw[11:]],
        lambda raw: [*raw[:9], raw[9], *raw[9:]],
        lambda raw: [*raw[:9], raw[9].replace(b"hospital", b"platform"), *raw[10:]],
    ],
    ids=["dropped", "reordered", "doubled", "altered"],
)
def test_another_list_of_entries_is_named_whoever_signs_it(house, reorder):
    raw = reorder(house.raw)
    by_stranger = rewritten(raw, key_name="stranger")
    by_log = rewritten(raw)

    assert on_log(by_stranger.files(), pins_of(house))[0] == BROKEN
    assert_broken(
        on_log(by_log.files(), pins_of(house)),
        "entry-out-of-place",
        "chain-broken",
        "entry-field-wrong",
        "organisation-not-granted",
    )


def test_a_log_of_strangers_keys_is_never_the_pinned_one(house):
    stranger = hospital(key_name="stranger")

    assert_broken(on_log(stranger.files(), pins_of(house)), "pinned-key-not-named-by-log")
    assert_broken(
        on_log({**stranger.files(), "keys": house.keys_file}, pins_of(house)), "signature-missing"
    )


def test_an_entry_hidden_and_the_chain_mended_breaks_what_people_signed(house):
    without = [entry for entry in house.entries if entry["action"] != "release.vote"]
    made = rewritten(rechained(without))

    assert_broken(story(made), "role-not-granted", "release-votes-short")


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/1/000.p/1", "keys"])
def test_a_missing_file_is_named(large, name):
    files = large.files()
    del files[name]

    assert_broken(on_log(files, pins_of(large)), "file-missing")


@pytest.mark.parametrize(
    "name",
    [
        "README",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/0/002",
        "tile/0/001.p/45",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/8/000.p/1",
        "tile/0/x000/001.p/3",
        "tile/0/1.p/3",
        "tile/entries/001.p/45",
        "tile/entries/０00.p/1",
        "tile/data/000",
        "checkpoint.old",
    ],
)
def test_a_file_without_a_place_in_the_log_is_named(large, name):
    files = large.files() | {name: large.files()["tile/0/000"][:32]}

    assert_broken(on_log(files, pins_of(large)), "unknown-file")


def test_partial_tiles_of_earlier_checkpoints_may_lie_about(large):
    older = large.tile(0, 0, 7) | large.tile(0, 1, 43) | large.tile(0, 1, 1)

    assert on_log(large.files() | older, pins_of(large))[0] == SOUND


@pytest.mark.parametrize("name", ["tile/0/000.p/7", "tile/entries/000.p/7"])
@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"\0" + b[1:]])
def test_an_old_partial_tile_that_is_no_prefix_is_named(large, name, damage):
    older = large.tile(0, 0, 7)

    verdict = on_log(large.files() | older | {name: damage(older[name])}, pins_of(large))

    assert_broken(verdict, "partial-tile-differs")


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b + b"\0\0",
        lambda b: b"\xff\xff" + b[2:],
        lambda _: b"",
    ],
)
def test_a_bundle_of_other_lengths_is_named(house, damage):
    name = verifier.tile_name("entries", 0, len(house.raw))
    files = house.files()

    verdict = on_log({**files, name: damage(files[name])}, pins_of(house))

    assert_broken(verdict, "bundle-malformed", "bundle-count-wrong", "tile-differs")


def test_an_entry_longer_than_a_bundle_can_frame_is_named():
    with pytest.raises(verifier.Broken, match="entry-too-long"):
        verifier.parse_entry(b" " * 65_536, "entry 0")


def test_a_checkpoint_over_another_root_is_named(house):
    head = Checkpoint(house.origin, len(house.raw), bytes(32))
    note = sign_checkpoint(head, house.signers, house.now).encode()

    verdict = on_log({**house.files(), "checkpoint": note}, pins_of(house))

    assert_broken(verdict, "root-differs-from-checkpoint")


# --- folders -------------------------------------------------------------------------------------
def written(files, folder):
    for name, octets in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(octets)
    return folder


def on_folder(folder, pins):
    return verifier.judged(lambda: verifier.verify(str(folder), pins))


def test_a_folder_is_read_without_following_links(house, tmp_path):
    folder = written(house.files(), tmp_path / "log")
    pins = pins_of(house)
    assert on_folder(folder, pins)[0] == SOUND
    (folder / "elsewhere").symlink_to(tmp_path)

    assert_broken(on_folder(folder, pins), "link-in-folder")


@pytest.mark.parametrize("name", ["checkpoint", "keys", "tile/0/000.p/38"])
def test_a_file_that_is_a_link_is_named(house, tmp_path, name):
    folder = written(house.files(), tmp_path / "log")
    (folder / name).rename(tmp_path / "real")
    (folder / name).symlink_to(tmp_path / "real")

    assert_broken(on_folder(folder, pins_of(house)), "link-in-folder")


def test_a_linked_folder_of_tiles_is_named(house, tmp_path):
    folder = written(house.files(), tmp_path / "log")
    (folder / "tile").rename(tmp_path / "tile")
    (folder / "tile").symlink_to(tmp_path / "tile")

    assert_broken(on_folder(folder, pins_of(house)), "link-in-folder")


def test_a_pipe_in_the_folder_is_named(house, tmp_path):
    folder = written(house.files(), tmp_path / "log")
    os.mkfifo(folder / "tile" / "pipe")

    assert_broken(on_folder(folder, pins_of(house)), "unknown-file")


def test_an_oversized_file_is_not_read(house, tmp_path):
    folder = written(house.files(), tmp_path / "log")
    os.truncate(folder / "tile/0/000.p/38", verifier.MAX_FILE + 1)

    assert_broken(on_folder(folder, pins_of(house)), "file-too-large")


def test_an_oversized_pack_is_not_read(house, tmp_path):
    (tmp_path / "pack").write_bytes(b"PK")
    os.truncate(tmp_path / "pack", verifier.MAX_FILE + 1)

    assert_broken(on_folder(tmp_path / "pack", pins_of(house)), "file-too-large")


def test_nothing_there_and_nothing_known_can_not_be_told(house, tmp_path):
    pins = pins_of(house)

    assert on_folder(tmp_path, pins)[0] == CANNOT_TELL
    assert on_folder(tmp_path / "none", pins)[0] == CANNOT_TELL
    assert on_folder("no\0thing", pins)[0] == CANNOT_TELL


# --- since ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [0, 1, 13, 38])
@pytest.mark.requirement("R69")
def test_a_log_continues_each_of_its_checkpoints(house, size):
    kept = house.checkpoint(size).encode()

    assert on_log(house.files(), pins_of(house), kept)[0] == SOUND
    assert on_file(house.pack(), pins_of(house), kept)[0] == SOUND


def test_a_log_that_shrank_is_named(house):
    verdict = on_log(house.files(20), pins_of(house), house.checkpoint(21).encode())

    assert_broken(verdict, "log-shrank")


def test_a_log_that_was_rewritten_is_named(house):
    other = hospital(grade=2)
    assert story(other)[0] == SOUND

    for size in (20, 38):
        verdict = on_log(other.files(), pins_of(house), house.checkpoint(size).encode())
        assert_broken(verdict, "log-rewritten")


def test_a_kept_checkpoint_has_to_be_the_logs_own(house):
    pins, files = pins_of(house), house.files()
    stranger = SmallLog(ledger=named("other"))
    forged = hospital(key_name="stranger").checkpoint().encode()
    extra = sign_note(f"{house.origin}\n0\n", house.signers[:1]).encode()

    assert_broken(
        on_log(files, pins, stranger.checkpoint().encode()), "kept-checkpoint-of-another-log"
    )
    assert_broken(on_log(files, pins, forged), "signature-missing")
    assert_broken(on_log(files, pins, extra), "note-malformed")
    assert_broken(on_log(files, pins, b""), "note-malformed")


def test_since_says_nothing_about_a_receipt(house):
    kept = house.checkpoint(10).encode()

    assert on_file(house.receipt(3), pins_of(house), kept)[0] == CANNOT_TELL
