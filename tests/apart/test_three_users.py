"""The three processes as three users over one data folder, in production, for real.

As root the whole chain is played, from the deposit to the released package, over TLS, and then each
user, and a stranger, tries every file, folder and socket of the house. Another user can't become
three: then it is shown that neither the layout nor a start is to be had.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from test_processes import self_signed

from api.client.regulator import verdict_on
from api.demo import scenes
from api.demo.material import Material, given
from api.demo.scenes import Play
from api.demo.stage import Stage
from policies.shipped import shipped_digest
from sandbox.errors import Unacceptable
from sandbox.layout import COMMON, OWN, Process, Users, lay_out, parts
from sandbox.settings import load
from sandbox.soundness import failures, require_sound

HERE = Path(__file__).parent
USERS = Users(serve=21001, worker=21002, notary=21003, group=21010)
STRANGER = 21099


def identity(process: str) -> list[str]:
    """User, group and further groups of a process, as the image gives them."""
    if process == "stranger":
        return [str(STRANGER), str(STRANGER), ""]
    user = USERS.of(Process(process))
    return [str(user), str(user), "" if process == "notary" else str(USERS.group)]


def can_become_others() -> bool:
    """Whether another user can run this program here."""
    command = [sys.executable, str(HERE / "as_user.py"), *identity("stranger"), "--version"]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0  # fmt: skip


class ApartStage(Stage):
    """A stage whose processes are users of their own, started again when they end."""

    def program(self, name: str) -> list[str]:
        return [sys.executable, str(HERE / "as_user.py"), *identity(name)]

    def hand(self, name: str, text: str) -> None:
        super().hand(name, text)
        os.chown(self.folder / name, USERS.worker, USERS.worker)

    def check(self) -> None:
        for name in [name for name, process in self._running.items() if process.poll() is not None]:
            self.start_one(name)


@dataclass
class Seen:
    """What each user managed to do, by path below the data folder."""

    folder: Path
    play: Play
    by: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def probe(self, who: str) -> None:
        paths = [str(path) for path in (self.folder, *sorted(self.folder.rglob("*")))]
        done = subprocess.run(
            [sys.executable, str(HERE / "prober.py"), *identity(who), str(self.folder)],
            input="\0".join(paths), capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        self.by[who] = {what: set(found) for what, found in json.loads(done.stdout).items()}

    def below(self, who: str, what: str, *names: str) -> set[str]:
        """What of these parts this user could do it to."""
        return {path for path in self.by[who][what] if path.split("/")[0] in names}


def house(folder: Path, own: Path) -> None:
    """The data folder and settings of a sound house."""
    certificate, key = self_signed(own)
    lay_out(folder, USERS)
    (folder / "parties").mkdir(mode=0o700)  # the other side of the doors, no part of the house
    os.chown(key, USERS.serve, USERS.serve)
    key.chmod(0o600)
    certificate.chmod(0o644)
    (folder / "settings.toml").write_text(
        'mode = "production"\norigin = "log.hospital.example"\n'
        f'tls_certificate = "{certificate}"\ntls_key = "{key}"\n'
    )
    (folder / "settings.toml").chmod(0o644)


def material(folder: Path) -> Material:
    folder.mkdir()
    shutil.copy(str(get_testdata_file("CT_small.dcm", download=False)), folder)
    (folder / "report.txt").write_text("Findings: a nodule.\n", encoding="utf-8")
    return given(folder)


SCENES = (
    scenes.clean,
    scenes.approve,
    scenes.open_project,
    scenes.label,
    scenes.review,
    scenes.let_out,
)


@pytest.fixture(scope="module")
def seen():
    """The chain played in production by three users, then looked at; None when not root."""
    if not can_become_others():
        yield None
        return
    # Not in pytest's own folder: other users may not enter it.
    own = Path(tempfile.mkdtemp(prefix="apart-"))
    own.chmod(0o711)
    stage = ApartStage(own / "house", certificates=own / "cert.pem")
    play = Play(stage, lambda *_told: None)
    try:
        house(stage.folder, own)
        stage.start()
        scenes.gather_people(play)
        scenes.pin_trust(play, shipped_digest())
        scenes.make_dataset(play)
        scenes.hand_over(play, material(own / "deposit"))
        for scene in SCENES:
            scene(play)
        found = Seen(stage.folder, play)
        for who in (*Process, "stranger"):
            found.probe(str(who))
        yield found
    except Exception:
        for log in sorted((stage.folder / "run").glob("*.log")):
            print(log.name, log.read_text()[-1_500:], sep="\n")  # noqa: T201 - shown on failure
        raise
    finally:
        play.company.close()
        stage.stop()
        shutil.rmtree(own)


def refused_here(tmp_path: Path) -> None:
    """All that can be shown by a user who can't become others: no layout, and no start."""
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            lay_out(tmp_path / "house", USERS)
    (tmp_path / "house").mkdir(exist_ok=True)
    settings = load(tmp_path / "house", {}, {"mode": "production", "origin": "log.example"})
    with pytest.raises(Unacceptable):
        require_sound(settings, Process.SERVE, os.geteuid())


@pytest.mark.requirement("R84")
def test_chain_works_with_three_users_over_tls(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    assert seen.play.stage.url.startswith("https://")
    assert len(seen.play.files_left) >= 3
    exported = seen.folder / "parties" / "regulator" / "evidence.zip"
    vkeys = seen.folder / "parties" / "regulator" / "vkeys"
    assert verdict_on(exported, [str(vkeys)]).code == 0
    return None


@pytest.mark.requirement("R19")
def test_user_of_the_server_reads_nothing_of_the_vault_nor_of_the_notary(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    for what in ("read", "write", "remove"):
        assert seen.below("serve", what, "vault", "notary") == set()
    assert {"serve/root.key", "serve/keys.sqlite"} <= seen.by["serve"]["read"]
    return None


def test_user_of_the_worker_reads_nothing_of_the_server_nor_of_the_notary(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    for what in ("read", "write", "remove"):
        assert seen.below("worker", what, "serve", "notary") == set()
    assert {"vault/root.key", "vault/identity.key", "vault/keys.sqlite"} <= seen.by["worker"][
        "read"
    ]
    return None


def test_user_of_the_notary_reaches_its_own_folder_and_its_socket_only(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    for what in ("read", "write", "remove"):
        assert seen.below("notary", what, "serve", "vault", *COMMON) == set()
    assert "notary/platform/seeds" in seen.by["notary"]["read"]
    return None


def test_both_users_write_what_is_shared_and_nobody_the_data_folder(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    for who in ("serve", "worker"):
        wanted = {"db/platform.sqlite", "exchange/keys.sqlite", f"log/{seen.play.company.ledger}/checkpoint"}  # fmt: skip
        assert wanted <= seen.by[who]["write"]
        assert seen.below(who, "read", "blobs")
    for who in (*Process, "stranger"):
        found = seen.by[str(who)]
        assert "." not in found["write"]
        assert not {"settings.toml", *OWN.values(), *COMMON, "run"} & found["remove"]
        assert "settings.toml" not in found["write"]
    return None


def test_socket_of_the_notary_is_reached_by_the_two_and_removed_by_neither(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    name = "run/notary.sock"
    assert name in seen.by["serve"]["read"]
    assert name in seen.by["worker"]["read"]
    assert name not in seen.by["serve"]["remove"] | seen.by["worker"]["remove"]
    assert name not in seen.by["stranger"]["read"]
    return None


def test_stranger_reads_the_settings_and_nothing_else(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    assert seen.by["stranger"]["read"] == {"settings.toml"}
    assert seen.by["stranger"]["write"] == set()
    return None


@pytest.mark.parametrize("process", Process)
def test_each_process_is_healthy_as_its_own_user(seen, tmp_path, process):
    if seen is None:
        return refused_here(tmp_path)

    command = [*seen.play.stage.program(process), "health", process, "--dir", str(seen.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    return None


def test_house_that_was_played_in_is_still_sound(seen, tmp_path):
    if seen is None:
        return refused_here(tmp_path)

    settings = load(seen.folder, {})
    assert list(failures(settings)) == []
    for process in Process:
        require_sound(settings, process, USERS.of(process))
    for part in parts(USERS):
        assert (seen.folder / part.name).stat().st_mode & 0o7777 == part.mode
    return None
