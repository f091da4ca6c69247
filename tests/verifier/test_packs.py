"""Evidence packs: one spelling of the archive, a manifest that is whole, nothing left out."""

import io
import struct
import zipfile

import pytest
from small_hospital import RELEASE, SmallHospital, digest_of, hospital, zipped
from small_log import DATASET, TABLE, named
from verdicts import BROKEN, CANNOT_TELL, SOUND, assert_broken, on_file, pins_of

from crypto import canonical, verifier
from policies.table import canonical as table_bytes

POLICY = f"policy/{TABLE.digest.removeprefix('sha256:')}.json"


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


def on_pack(house, change=None, **manifest):
    files = house.evidence(change, **manifest)
    return on_file(zipped(files), pins_of(house))


# --- the archive -----------------------------------------------------------------------------------
def by_zipfile(files, **info):
    """The same members by Python's writer, which chooses attributes and flags of its own."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", info.pop("compression", zipfile.ZIP_STORED)) as pack:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = pack.compression
            pack.writestr(member, files[name])
        pack.comment = info.pop("comment", b"")
    return sink.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        by_zipfile,
        lambda files: by_zipfile(files, compression=zipfile.ZIP_DEFLATED),
        lambda files: by_zipfile(files, compression=zipfile.ZIP_BZIP2),
        lambda files: by_zipfile(files, comment=b"read me"),
        lambda files: zipped(files) + b"\0",
        lambda files: zipped(files)[:-1],
        lambda files: zipped(files)[:-22],
        lambda files: zipped(files) + zipped(files),
        lambda files: b"PK" + zipped(files),
        lambda files: zipped(files)[4:],
        lambda files: zipped(files, sorted(files, reverse=True)),
        lambda files: zipped(files, [*sorted(files), max(files)]),
        lambda files: zipped(files, [min(files), *sorted(files)]),
        lambda _: b"PK",
        lambda _: b"PK\x03\x04",
        lambda _: b"PK\x05\x06" + bytes(18),
        lambda _: zipped({}),
    ],
)
def test_an_archive_of_another_spelling_is_named(house, archive):
    pack = archive(house.evidence())

    assert_broken(on_file(pack, pins_of(house)), "evidence-not-canonical", "not-canonical-json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (4, b"\x2d\x00"),  # version
        (6, b"\x01\x08"),  # encrypted
        (6, b"\x08\x08"),  # sizes follow later
        (8, b"\x08\x00"),  # deflated
        (10, b"\x01\x00"),  # time
        (14, b"\0\0\0\0"),  # checksum
        (18, b"\xff\xff\xff\xff"),  # compressed size
        (22, b"\xff\xff\xff\xff"),  # size: a bomb, if believed
        (26, b"\xff\xff"),  # length of the name
        (28, b"\x01\x00"),  # extra field
    ],
)
def test_no_header_field_is_believed(house, field, value):
    pack = bytearray(house.pack())
    pack[field : field + len(value)] = value

    assert_broken(on_file(bytes(pack), pins_of(house)), "evidence-not-canonical")


def test_declared_sizes_cost_nothing():
    """Forty gigabytes by their headers, a kilobyte on disk."""
    header = struct.pack("<HHHHHIIIHH", 20, 0x800, 8, 0, 0x21, 0, 10, 2**32 - 1, 1, 0)
    pack = b"".join(b"PK\x03\x04" + header + bytes([97 + n]) + bytes(10) for n in range(10))

    with pytest.raises(verifier.Broken, match="evidence-not-canonical"):
        verifier.read_pack(pack)


@pytest.mark.parametrize(
    "name", ["../escape", "/etc/passwd", "log/../../x", "C:\\x", "log/\0", "notes.txt", "Log/x"]
)
def test_a_member_with_a_foreign_name_is_named(house, name):
    assert_broken(on_pack(house, lambda f: f.update({name: b"x"})), "unknown-file")


def test_a_name_that_is_not_text_is_named(house):
    pack = zipped({"log/a": b"x"}).replace(b"log/a", b"log/\xff")

    assert_broken(on_file(pack, pins_of(house)), "evidence-not-canonical")


# --- the manifest ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"ledger": "platform"},
        {"dataset": "all"},
        {"created_at": "yesterday"},
        {"files": []},
        {"more": 1},
    ],
)
def test_a_manifest_of_another_form_is_named(house, change):
    assert_broken(on_pack(house, **change), "manifest-malformed")


def test_a_manifest_lists_exactly_what_is_there(house):
    listed = canonical.decode(house.evidence()["manifest.json"])["files"]
    short = {name: row for name, row in listed.items() if name != "log/keys"}
    wrong = {**listed, "log/keys": {**listed["log/keys"], "size": 1}}

    for files in (short, wrong, {**listed, "log/more": listed["log/keys"]}, {}):
        assert_broken(on_pack(house, files=files), "evidence-file-differs-from-manifest")


def test_a_pack_without_manifest_is_named(house):
    files = house.evidence()
    del files["manifest.json"]

    assert_broken(on_file(zipped(files), pins_of(house)), "file-missing")


def test_a_pack_about_another_ledger_or_dataset_is_named(house):
    for change in ({"ledger": named("x")}, {"dataset": named("x")}):
        assert_broken(on_pack(house, **change), "evidence-of-another-dataset")


def test_the_platforms_log_makes_no_pack(house):
    def platform(files):
        files["log/checkpoint"] = files["log/checkpoint"].replace(b"/", b"/x/", 1)

    assert on_pack(house, platform)[0] in {BROKEN, CANNOT_TELL}


# --- decision tables -----------------------------------------------------------------------------------
def test_a_missing_table_is_named(house):
    assert_broken(on_pack(house, lambda f: f.pop(POLICY)), "decision-table-missing")


def test_a_misnamed_table_is_named(house):
    def rename(files):
        files["policy/" + "0" * 64 + ".json"] = files.pop(POLICY)

    assert_broken(on_pack(house, rename), "decision-table-misnamed")


def spoilt(change):
    table = canonical.decode(TABLE.encoded)
    change(table)
    return table_bytes(table)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(v=3),
        lambda t: t.update(default="allow"),
        lambda t: t.update(rules={}),
        lambda t: t.update(more=1),
        lambda t: t.pop("quorum"),
        lambda t: t.update(quorum={"3": {}}),
        lambda t: t.pop("training"),
        lambda t: t.update(v=1),
        lambda t: t.update(training={"labeller": "all"}),
        lambda t: t["quorum"]["3"].update(votes="2"),
        lambda t: t["quorum"]["3"]["categories"]["general"].pop("refused"),
        lambda t: t.update(signed="all"),
        lambda t: t["rules"].reverse(),
        lambda t: t["rules"].append(t["rules"][-1]),
        lambda t: t["rules"].append([]),
        lambda t: t["rules"][0].update(effect="maybe"),
        lambda t: t["rules"][0].update(domain="everywhere"),
        lambda t: t["rules"][0].update(domain=[]),
        lambda t: t["rules"][0].update(role=""),
        lambda t: t["rules"][0].pop("source"),
        lambda t: t["rules"][0].update(when="always"),
        lambda t: t["rules"][0].update(when=["always"]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": "like", "value": "b"}]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": [], "value": "b"}]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": "eq"}]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": "true", "value": True}]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": "same", "value": "b"}]),
        lambda t: t["rules"][0].update(when=[{"fact": "a", "op": "same", "other": 1}]),
        lambda t: t["rules"][0].update(when=[{"op": "true"}]),
    ],
)
def test_a_table_of_another_form_is_refused_whole(change):
    with pytest.raises(verifier.Broken, match="decision-table-malformed"):
        verifier.parse_table(spoilt(change), "policy")


@pytest.mark.parametrize("octets", [b"", b"[]", b"null", TABLE.encoded + b"\n", b"\xef\xbb\xbf{}"])
def test_a_table_that_is_none_is_named(house, octets):
    def add(files):
        files[f"policy/{verifier.sha256(octets).hex()}.json"] = octets

    verdict = on_pack(house, add)

    assert_broken(verdict, "decision-table-malformed", "not-canonical-json")


# --- proofs and passports --------------------------------------------------------------------------------
def first_proof(files):
    return min(name for name in files if name.startswith("proofs/"))


@pytest.mark.parametrize("name", ["proofs/x.tlog-proof", "proofs/007.tlog-proof",
                                  "proofs/999.tlog-proof", "proofs/3", "proofs/٣.tlog-proof"])  # fmt: skip
def test_a_proof_with_a_foreign_name_is_named(house, name):
    def rename(files):
        files[name] = files.pop(first_proof(files))

    assert_broken(on_pack(house, rename), "unknown-file")


def test_a_proof_of_another_entry_is_named(house):
    def swap(files):
        files[first_proof(files)] = house.proof(3).encode()

    assert_broken(on_pack(house, swap), "entry-not-in-log", "entry-out-of-place")


def test_a_proof_that_is_left_out_is_named(house):
    proofs = sorted(name for name in house.evidence() if name.startswith("proofs/"))
    assert len(proofs) > 1

    for name in proofs:
        assert_broken(on_pack(house, lambda files, name=name: files.pop(name)), "proof-missing")


def test_a_proof_that_is_not_text_is_named(house):
    def spoil(files):
        files[first_proof(files)] = b"\xff"

    assert_broken(on_pack(house, spoil), "proof-malformed")


def test_a_proof_under_an_earlier_checkpoint_is_as_good(house):
    def older(files):
        name = first_proof(files)
        index = int(name.removeprefix("proofs/").removesuffix(".tlog-proof"))
        files[name] = house.proof(index, index + 1).encode()

    assert on_pack(house, older)[0] == SOUND


def test_a_proof_under_another_history_is_named(house):
    """Both are signed by the log's keys: the pack convicts them."""
    fork = SmallHospital()
    fork.take([*house.raw[:-1], house.raw[0]])

    def forked(files):
        name = first_proof(files)
        index = int(name.removeprefix("proofs/").removesuffix(".tlog-proof"))
        files[name] = fork.proof(index).encode()

    assert_broken(on_pack(house, forked), "log-forked")


def test_a_proof_from_another_log_of_the_same_ledger_is_named(house):
    other = SmallHospital()
    other.take(house.raw)
    other.origin = f"elsewhere.test/{other.ledger}"
    for signer in other.signers:
        signer.vkey = type(signer.vkey)(other.origin, signer.vkey.algorithm, signer.vkey.public)

    def swapped(files):
        name = first_proof(files)
        index = int(name.removeprefix("proofs/").removesuffix(".tlog-proof"))
        files[name] = other.proof(index).encode()

    verdict = on_file(zipped(house.evidence(swapped)), pins_of(house, other))

    assert_broken(verdict, "checkpoint-of-another-log")


def test_a_passport_that_the_log_names_may_not_be_left_out(house):
    def leave_out(files):
        files.pop(f"packages/{RELEASE}/passport.json")

    assert_broken(on_pack(house, leave_out), "passport-missing")


@pytest.mark.parametrize("name", [f"packages/{named('x')}/passport.json", "packages/x",
                                  f"packages/{RELEASE}/labels.jsonl"])  # fmt: skip
def test_a_passport_of_a_release_that_never_was_is_named(house, name):
    def add(files):
        files[name] = house.passports[RELEASE]

    assert_broken(on_pack(house, add), "unknown-file")


def test_another_passport_than_the_sealed_one_is_named(house):
    """Sound by itself, and not the one whose digest stands in the log."""
    signers = [house.person("worker"), *house.voted]
    other = house.passport(signers=signers)
    assert on_file(other, pins_of(house))[0] == SOUND

    def swap(files):
        files[f"packages/{RELEASE}/passport.json"] = other

    assert_broken(on_pack(house, swap), "passport-differs-from-log")


def two_releases() -> SmallHospital:
    log = hospital()
    log.release_id = named("second release")
    log.release()
    return log


def test_each_release_brings_its_own_passport():
    log = two_releases()

    verdict = on_file(log.pack(), pins_of(log))

    assert verdict[0] == SOUND
    assert "2 passports" in verdict[1]


def test_a_passport_of_another_release_is_named():
    log = hospital()
    first = log.passports[RELEASE]
    log.release_id = second = named("second release")
    log.request()
    log.screen()
    log.vote("steward")
    log.vote("checker")
    log.seal(change=lambda e: e["outcome"]["digests"].update(passport=digest_of(first)))
    log.passports[second] = first

    assert_broken(on_file(log.pack(), pins_of(log)), "passport-of-another-release")


def test_a_pack_before_any_release_is_sound():
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.clean()

    verdict = on_file(log.pack(), pins_of(log))

    assert verdict[0] == SOUND
    assert f"dataset {DATASET}" in verdict[1]
    assert "0 passports" in verdict[1]
