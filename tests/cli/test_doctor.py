"""`anbiao doctor`, and the settings and folders that production does not start with (R84, R90)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import doctor, main
from sandbox import errors, soundness
from sandbox.layout import COMMON, OWN, RUN, Process, Users, lay_out, owners, parts, rights_in
from sandbox.settings import load
from sandbox.soundness import TOLD, Verdict, failures, require_sound

ROOT = Path(__file__).parents[2]
USERS = Users(serve=21001, worker=21002, notary=21003, group=21010)
MINE = os.geteuid()


def write_settings(folder, **values):
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    (folder / "settings.toml").write_text("\n".join(lines) + "\n")
    (folder / "settings.toml").chmod(0o644)


@pytest.fixture
def sound(tmp_path):
    """The settings of a house that production starts with, but for who owns what."""
    folder = tmp_path / "house"
    folder.mkdir(mode=0o700)
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch(0o600)
    for name in (*OWN.values(), *COMMON, RUN):
        (folder / name).mkdir(mode=0o700)
    return {
        "folder": folder,
        "mode": "production",
        "origin": "log.hospital.example",
        "tls_certificate": str(tmp_path / "cert.pem"),
        "tls_key": str(tmp_path / "key.pem"),
    }


def house(sound, **changed):
    given = {**sound, **changed}
    folder = given.pop("folder")
    return load(folder, {}, given)


def codes(settings, process=None, user=None):
    return {finding.code for finding in failures(settings, process, user)}


def given_away(folder, users=USERS):
    """Whether this user could lay the folder out for three others."""
    if MINE != 0:
        with pytest.raises(PermissionError):
            lay_out(folder, users)
        return False
    lay_out(folder, users)
    return True


OWNERSHIP = {"users-shared", "user-root", "folder-owner"}
"""What a house whose folders all belong to this user can't help failing."""


def test_sound_settings_fail_in_nothing_but_the_single_owner(sound):
    assert codes(house(sound)) <= OWNERSHIP
    assert "users-shared" in codes(house(sound))


@pytest.mark.requirement("R84")
@pytest.mark.parametrize(
    "way",
    ["localhost/a", "127.0.0.1/a", "[::1]/a", "/a", "/a?host=/run/postgresql", "db.example/a?sslmode=verify-full"],
)  # fmt: skip
def test_database_on_this_machine_or_verified_is_sound(sound, way):
    assert codes(house(sound, database=f"postgresql://app@{way}")) <= OWNERSHIP


def expose(path, mode):
    def change(sound):
        target = sound["folder"] / path
        if not target.exists():
            target.touch()
        target.chmod(mode)

    return change


def leave(sound):
    sound["folder"].joinpath("vault", "root.key").symlink_to(sound["tls_key"])


def lend_key(sound):
    Path(sound["tls_key"]).chmod(0o640)


def lose_key(sound):
    Path(sound["tls_key"]).unlink()


def begin_certificates(sound):
    (sound["folder"] / "vault" / "notary-tls").mkdir(0o700)


def lend_way(sound):
    begin_certificates(sound)
    expose("vault/notary-tls/key.pem", 0o640)(sound)


def write_for_all(sound):
    write_settings(sound["folder"], lease_s=900)
    (sound["folder"] / "settings.toml").chmod(0o666)


INSECURE = {
    "no TLS": ("tls-missing", {"tls_certificate": None, "tls_key": None}, None),
    "no TLS on loopback": ("tls-missing", {"tls_certificate": None, "tls_key": None, "host": "127.0.0.1"}, None),
    "certificate not there": ("tls-files-missing", {"tls_certificate": "/nonexistent"}, None),
    "key not there": ("tls-files-missing", {}, lose_key),
    "key for the group": ("tls-key-exposed", {}, lend_key),
    "cheap passwords": ("password-cost-low", {"password_memory_kib": 19_456}, None),
    "long sessions": ("session-too-long", {"session_idle_s": 3_601}, None),
    "sessions of two days": ("session-too-long", {"session_longest_s": 172_800}, None),
    "database over a network": ("database-in-the-clear", {"database": "postgresql://app@db.example/anbiao"}, None),
    "database over a network, not verified": ("database-in-the-clear", {"database": "postgresql://app@db.example/anbiao?sslmode=require"}, None),
    "database by a number": ("database-in-the-clear", {"database": "postgresql://app@localhost/anbiao?hostaddr=192.0.2.1"}, None),
    "one of its servers afar": ("database-in-the-clear", {"database": "postgresql://app@/anbiao?host=localhost,db.example"}, None),
    "database of a service file": ("database-in-the-clear", {"database": "postgresql://app@/anbiao?service=x"}, None),
    "notary afar without certificates": ("notary-tls-missing", {"notary_address": "10.0.0.1:8421"}, None),
    "notary afar with a part of them": ("notary-tls-missing", {"notary_address": "notary:8421"}, begin_certificates),
    "key of the way to the notary": ("secret-exposed", {}, lend_way),
    "name of every trial": ("origin-default", {"origin": "anbiao.localhost"}, None),
    "settings that all write": ("settings-writable", {}, write_for_all),
    "data folder that all write": ("folder-exposed", {}, expose(".", 0o777)),
    "vault that others enter": ("folder-exposed", {}, expose("vault", 0o750)),
    "serving root that others enter": ("folder-exposed", {}, expose("serve", 0o701)),
    "keys of the log that others enter": ("folder-exposed", {}, expose("notary", 0o770)),
    "ledgers that others read": ("folder-exposed", {}, expose("db", 0o2775)),
    "socket that others reach": ("folder-exposed", {}, expose("run", 0o3777)),
    "root key that all read": ("secret-exposed", {}, expose("vault/root.key", 0o644)),
    "serving root for the group": ("secret-exposed", {}, expose("serve/root.key", 0o640)),
    "identity that the group writes": ("secret-exposed", {}, expose("vault/identity.key", 0o620)),
    "root key that is a link": ("secret-exposed", {}, leave),
    "steward pins that all write": ("pins-exposed", {}, expose("vault/stewards.pins", 0o666)),
    "serve's pin that the group writes": ("pins-exposed", {}, expose("vault/serve.pin", 0o660)),
    "account that the group writes": ("pins-exposed", {}, expose("vault/account", 0o660)),
}  # fmt: skip


@pytest.mark.requirement("R90")
@pytest.mark.parametrize(("code", "changed", "change"), INSECURE.values(), ids=INSECURE.keys())
def test_insecure_house_fails_with_a_code_of_its_own(sound, code, changed, change):
    apart = given_away(sound["folder"])
    if change:
        change(sound)

    settings = house(sound, **changed)
    assert codes(settings) - OWNERSHIP == {code}
    if apart:  # then nothing else stands in the way of a start
        assert codes(settings) == {code}
        process = Process.WORKER if code == "pins-exposed" else Process.SERVE
        with pytest.raises(errors.Unacceptable) as caught:
            require_sound(settings, process, USERS.of(process))
        assert caught.value.code == code


STARTS = [
    ("serve", "tls-missing", {"tls_certificate": None, "tls_key": None}),
    ("worker", "tls-missing", {"tls_certificate": None, "tls_key": None}),
    ("notary", "origin-default", {"origin": "anbiao.localhost"}),
    ("serve", "password-cost-low", {"password_memory_kib": 19_456}),
    ("serve", "session-too-long", {"session_idle_s": 3_601}),
    ("serve", "users-shared", {}),
    ("worker", "users-shared", {}),
    ("notary", "users-shared", {}),
    ("serve", "demo-off-loopback", {"mode": "demo", "host": "192.0.2.1"}),
    ("notary", "demo-off-loopback", {"mode": "demo", "notary_address": "10.0.0.1:8421"}),
    ("worker", "demo-off-loopback", {"mode": "demo", "notary_address": "notary.example:8421"}),
]


@pytest.mark.requirement("R84")
@pytest.mark.requirement("R90")
@pytest.mark.parametrize(("process", "code", "changed"), STARTS)
def test_no_process_starts_with_an_insecure_setting(sound, process, code, changed):
    values = {**sound, **changed}
    folder = values.pop("folder")
    write_settings(folder, **{name: value for name, value in values.items() if value is not None})

    done = started(process, folder)

    assert done.returncode == errors.Unacceptable.exit_code
    assert done.stderr.startswith(f"error: {code}: ")
    assert list((folder / "run").iterdir()) == []


def started(process, folder, *more):
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", process, "--dir", str(folder), *more],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.requirement("R84")
def test_trial_is_reached_from_this_machine_only_even_with_tls(sound):
    settings = house(sound, mode="demo", host="192.0.2.1")

    assert codes(settings) == {"demo-off-loopback"}
    with pytest.raises(errors.Unacceptable) as caught:
        require_sound(settings, Process.SERVE, MINE)
    assert caught.value.code == "demo-off-loopback"


@pytest.mark.parametrize("mode", ["insecure", "", "Production", "none"])
def test_there_is_no_third_mode(sound, mode):
    with pytest.raises(errors.Unacceptable) as caught:
        house(sound, mode=mode)

    assert (caught.value.code, caught.value.field) == ("setting-refused", "mode")


@pytest.mark.requirement("R90")
def test_laid_out_house_is_sound_for_each_process_as_its_own_user(sound):
    folder = sound["folder"]
    if not given_away(folder):
        assert "users-shared" in codes(house(sound))  # all that another user can bring about
        return

    settings = house(sound)
    assert codes(settings) == set()
    for process in Process:
        require_sound(settings, process, USERS.of(process))
        assert codes(settings, process, 0) == {"user-root"}
        assert codes(settings, process, 20999) == {"user-wrong"}
    assert codes(house(sound, mode="demo")) == {"demo-several-users"}


@pytest.mark.requirement("R90")
@pytest.mark.parametrize(
    ("users", "code"),
    [
        (Users(21001, 21001, 21003, 21010), "users-shared"),
        (Users(0, 21002, 21003, 21010), "user-root"),
    ],
)
def test_users_that_are_no_split_are_refused(sound, users, code):
    if given_away(sound["folder"], users):
        assert code in codes(house(sound))
    else:
        assert "users-shared" in codes(house(sound))


def test_data_folder_of_a_process_is_refused(sound):
    if given_away(sound["folder"]):
        os.chown(sound["folder"], USERS.serve, -1)

    assert "folder-owner" in codes(house(sound)) or MINE not in owners(sound["folder"]).values()


def test_layout_gives_nobody_more_than_is_said(tmp_path):
    names = {part.name: part for part in parts(USERS)}

    assert set(names) == {*OWN.values(), *COMMON, RUN}
    assert [names[name].mode for name in OWN.values()] == [0o700] * 3
    assert all(names[name].mode == 0o2770 and names[name].user == 0 for name in COMMON)
    assert (names[RUN].mode, names[RUN].user) == (0o3770, USERS.notary)
    if given_away(tmp_path / "house"):
        for part in names.values():
            state = (tmp_path / "house" / part.name).stat()
            found = (state.st_uid, state.st_gid, state.st_mode & 0o7777)
            assert found == (part.user, part.group, part.mode)


def test_layout_follows_no_link(tmp_path):
    (tmp_path / "house").mkdir()
    (tmp_path / "else").mkdir(mode=0o755)
    (tmp_path / "house" / "vault").symlink_to(tmp_path / "else")

    with pytest.raises(OSError):  # noqa: PT011 - which one depends on who asks
        lay_out(tmp_path / "house", USERS)
    assert (tmp_path / "else").stat().st_uid == MINE


@pytest.mark.parametrize(("mode", "rights"), [(0o700, 0o700), (0o770, 0o700), (0o2750, 0o700), (0o2770, 0o770), (0o3770, 0o770)])  # fmt: skip
def test_what_is_made_takes_the_rights_of_a_shared_folder_only(tmp_path, mode, rights):
    tmp_path.chmod(mode)

    assert rights_in(tmp_path) == rights


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--serve-user", "21002", "--worker-user", "21002"], 65), (["--serve-user", "0"], 64), (["--group", "x"], 64)],
)  # fmt: skip
def test_layout_refuses_what_is_no_split(tmp_path, arguments, code):
    assert main.run(["layout", "--dir", str(tmp_path / "house"), *arguments]) == code
    assert not (tmp_path / "house").exists()


def test_layout_says_what_it_made_or_that_it_takes_root(tmp_path, capsys):
    code = main.run(["layout", "--dir", str(tmp_path / "house")])

    said = capsys.readouterr()
    if MINE == 0:
        assert code == 0
        assert "0700   10002  10002  vault" in said.out
    else:
        assert code == errors.Unacceptable.exit_code
        assert said.err.startswith("error: layout-needs-root: ")


def test_every_code_is_told_in_both_languages_and_on_the_page():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

    for code, (english, chinese) in TOLD.items():
        assert f"| `{code}` | {english} | {chinese} |" in page
        assert english.isascii()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_every_code_has_a_test_in_which_it_comes_up():
    here = Path(__file__).read_text(encoding="utf-8")

    assert [code for code in TOLD if f'"{code}"' not in here] == []


# What the command prints.


def report(capsys, folder, *arguments):
    code = main.run(["doctor", "--dir", str(folder), "--format", "json", *arguments])
    return code, {row["place"]: row for row in json.loads(capsys.readouterr().out)}


def test_fresh_house_is_sound(tmp_path):
    tmp_path.chmod(0o700)

    assert main.run(["doctor", "--dir", str(tmp_path)]) == 0


@pytest.mark.requirement("R90")
@pytest.mark.parametrize("what", ["root", "ledger", "folder", "disk", "tls", "tls-key"])
def test_what_is_to_be_mended_is_named(tmp_path, capsys, what):
    tmp_path.chmod(0o755 if what == "folder" else 0o700)
    values = {}
    exposed = {"root": "serve/root.key", "ledger": "db/platform.sqlite"}.get(what)
    if exposed:
        (tmp_path / exposed).parent.mkdir(mode=0o700)
        (tmp_path / exposed).touch()
        (tmp_path / exposed).chmod(0o644)
    if what == "disk":
        values["spare_disk_bytes"] = 2**60
    if what.startswith("tls"):
        values |= {"tls_certificate": f"{tmp_path}/c", "tls_key": f"{tmp_path}/k"}
    if what == "tls-key":
        (tmp_path / "c").touch()
        (tmp_path / "k").touch()
        (tmp_path / "k").chmod(0o644)
    write_settings(tmp_path, **values)

    code = main.run(["doctor", "--dir", str(tmp_path)])

    assert code == 1
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("fail  ")]) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_folder_that_is_not_there_is_a_failure(tmp_path, capsys, lang):
    code, rows = report(capsys, tmp_path / "nowhere", "--lang", lang)

    assert code == 1
    assert rows["data folder"]["check"] == "folder-missing"
    assert rows["data folder"]["verdict"] == "fail"
    assert rows["data folder"]["text"].startswith("is not there" if lang == "en" else "不存在")


def test_what_one_user_cannot_defend_is_said(tmp_path, capsys):
    tmp_path.chmod(0o700)

    code, rows = report(capsys, tmp_path)

    assert code == 0
    assert {rows[place]["verdict"] for place in ("mode", "users", "attestation", "worker", "TLS")} == {"warn"}  # fmt: skip
    assert "no defence" in rows["users"]["text"]
    assert "waits for serve.pin, account, stewards.pins" in rows["worker"]["text"]


def test_complete_house_is_called_complete(sound, capsys):
    folder = sound.pop("folder")
    for name in ("serve.pin", "account", "stewards.pins"):
        (folder / "vault" / name).touch(0o600)
    write_settings(folder, **sound, host="192.0.2.1")
    apart = given_away(folder)

    code, rows = report(capsys, folder)

    assert rows["worker"]["verdict"] == rows["TLS"]["verdict"] == rows["mode"]["verdict"] == "ok"
    assert "the network" in rows["TLS"]["text"]
    assert code == (0 if apart else 1)


def test_each_secret_that_is_sound_has_a_line(tmp_path, capsys):
    tmp_path.chmod(0o700)
    (tmp_path / "vault").mkdir(mode=0o700)
    (tmp_path / "vault" / "root.key").touch(0o600)

    assert report(capsys, tmp_path)[1]["vault/root.key"]["verdict"] == "ok"


def test_report_has_the_same_checks_in_both_languages(tmp_path, capsys):
    tmp_path.chmod(0o700)
    english, chinese = report(capsys, tmp_path)[1], report(capsys, tmp_path, "--lang", "zh")[1]

    assert list(english) == list(chinese)
    assert all(set(row) == {"check", "verdict", "place", "text"} for row in english.values())
    assert all(row["text"] != chinese[place]["text"] for place, row in english.items())


def test_doctor_and_start_agree(sound):
    settings = house(sound, password_memory_kib=19_456, mode="production")

    told = {line.check for line in doctor.examine(settings) if line.verdict == Verdict.FAIL}
    assert told == {finding.code for finding in soundness.failures(settings)}
