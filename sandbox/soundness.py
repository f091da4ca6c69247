"""Whether a house is set up soundly: what `doctor` tells, and what production refuses.

- A check yields what is to be mended. The code of a finding is stable; what it means and what to do
  is in `TOLD`, in English and Chinese.
- In production each process looks before it opens anything, and does not start with a failure.
- The other mode, `demo`, is for one user on one machine: it refuses whatever looks like more.
- A process, or whoever runs `doctor`, judges what it can see; folders of other users are theirs.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sandbox.errors import SandboxError, Unacceptable
from sandbox.layout import COMMON, OWN, PRIVATE, RUN, Process, is_apart, owners
from sandbox.provenance.notary_tls import FOLDER, is_complete
from sandbox.settings import FILE_NAME, Mode, Settings, is_loopback, split_address
from sandbox.storage.postgres_link import address_given, may_be_overheard

LEAST_PASSWORD_KIB: Final = 65_536
LONGEST_IDLE_S: Final = 3_600
LONGEST_SESSION_S: Final = 86_400
SECRETS: Final = (
    "serve/root.key",
    "serve/root.epochs/*.key",
    "serve/setup-code",
    "serve/keys.sqlite",
    "serve/notary-tls/key.pem",
    "vault/root.key",
    "vault/root.epochs/*.key",
    "vault/identity.key",
    "vault/keys.sqlite",
    "vault/notary-tls/key.pem",
    "notary/*/seeds",
    "notary/notary-tls/key.pem",
)
"""What only its own process may read, whatever the folder's mode is."""

TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "demo-off-loopback": (
        "a trial listens on this machine only; set mode = 'production' for others to reach it",
        "演示模式只在本机监听；如需从外部访问，请设置 mode = 'production'",
    ),
    "demo-several-users": (
        "a trial has one user; set mode = 'production' where each process has its own",
        "演示模式只有一个系统用户；各进程使用独立用户时，请设置 mode = 'production'",
    ),
    "tls-missing": (
        "plain HTTP is refused in production; set tls_certificate and tls_key",
        "生产模式拒绝明文 HTTP；请设置 tls_certificate 与 tls_key",
    ),
    "tls-files-missing": (
        "certificate or key can't be read; put the files there, readable by serve's user",
        "证书或私钥无法读取；请放置文件并允许 serve 的用户读取",
    ),
    "tls-key-exposed": (
        "others have rights to the private key; chmod 600",
        "其他用户对私钥拥有权限；请执行 chmod 600",
    ),
    "users-shared": (
        "serve, vault and notary must belong to three users; lay the folder out by `anbiao layout`",
        "serve、vault、notary 须分属三个系统用户；请用 `anbiao layout` 建立目录",
    ),
    "user-root": (
        "no process may be root; start it as the owner of its own folder",
        "任何进程不得以 root 运行；请以其目录所有者的身份启动",
    ),
    "user-wrong": (
        "the process must run as the owner of its own folder",
        "进程须以其目录所有者的身份运行",
    ),
    "folder-owner": (
        "the data folder must belong to none of the three users; chown root",
        "数据目录不得属于三个进程用户中的任何一个；请改为 root 所有",
    ),
    "folder-exposed": (
        "others have more rights than they may; lay the folder out by `anbiao layout`",
        "其他用户的权限超出允许范围；请用 `anbiao layout` 重新设置",
    ),
    "secret-exposed": (
        "others have rights to it; chmod 600, and count what it holds as known",
        "其他用户对其拥有权限；请执行 chmod 600，并视其内容为已泄露",
    ),
    "settings-writable": (
        "others can write the settings; chmod go-w, chown root",
        "其他用户可以改写设置文件；请执行 chmod go-w 并改为 root 所有",
    ),
    "password-cost-low": (
        f"a password hash costs {LEAST_PASSWORD_KIB} KiB or more; raise password_memory_kib",
        f"口令散列至少须用 {LEAST_PASSWORD_KIB} KiB 内存；请提高 password_memory_kib",
    ),
    "session-too-long": (
        (
            f"sessions must end after {LONGEST_IDLE_S} s idle and {LONGEST_SESSION_S} s at most; "
            "lower session_idle_s and session_longest_s"
        ),
        (
            f"会话闲置至多 {LONGEST_IDLE_S} 秒、总长至多 {LONGEST_SESSION_S} 秒；"
            "请降低 session_idle_s 与 session_longest_s"
        ),
    ),
    "origin-default": (
        "logs of different houses must not share a name; set origin to a name of yours",
        "不同机构的日志不得同名；请将 origin 设为本机构的名称",
    ),
    "database-in-the-clear": (
        "the database is reached over a network; add sslmode=verify-full to its address",
        "数据库经由网络访问；请在其地址中加上 sslmode=verify-full",
    ),
    "notary-tls-missing": (
        "a notary at an address is known by certificates; make them by `anbiao keys notary`",
        "经由网络地址访问的公证进程须凭证书识别；请用 `anbiao keys notary` 生成",
    ),
    "pins-exposed": (
        "others can write what the worker believes; chmod 600, chown to the worker",
        "其他用户可以改写工作进程所信任的内容；请执行 chmod 600 并改为工作进程所有",
    ),
}


class Verdict(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    code: str
    place: str

    @property
    def english(self) -> str:
        """What it means and what to do."""
        return TOLD[self.code][0]

    @property
    def chinese(self) -> str:
        """The same in Chinese."""
        return TOLD[self.code][1]


def require_sound(settings: Settings, process: Process, user: int) -> None:
    """Let `process` start as this user of the operating system, or refuse it.

    Raises:
        Unacceptable: the code of the first failure in `TOLD`.
    """
    for finding in failures(settings, process, user):
        raise Unacceptable(finding.code, f"{finding.place}: {finding.english}")


def failures(
    settings: Settings, process: Process | None = None, user: int | None = None
) -> Iterator[Finding]:
    """What this mode does not start with; all of it, or as far as one process sees."""
    if settings.mode == Mode.DEMO:
        yield from _trial(settings)
        return
    yield from _settings(settings)
    if process in {Process.SERVE, None}:
        yield from _certificate(settings)
    if process in {Process.SERVE, Process.WORKER, None}:
        yield from _way_to_database(settings)
    yield from _way_to_notary(settings, process)
    yield from _users(settings.dir, process, user)
    yield from _folders(settings.dir)
    yield from exposed_secrets(settings.dir)
    if process in {Process.WORKER, None}:
        yield from _pins(settings)


def _trial(settings: Settings) -> Iterator[Finding]:
    if not is_loopback(settings.host):
        yield Finding("demo-off-loopback", "host")
    host, _port = split_address(settings.notary_address or "") or ("localhost", 0)
    if not is_loopback(host):
        yield Finding("demo-off-loopback", "notary_address")
    if is_apart(settings.dir):
        yield Finding("demo-several-users", "data folder")


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.tls_certificate is None:
        yield Finding("tls-missing", "tls_certificate")
    if settings.password_memory_kib < LEAST_PASSWORD_KIB:
        yield Finding("password-cost-low", "password_memory_kib")
    if settings.session_idle_s > LONGEST_IDLE_S or settings.session_longest_s > LONGEST_SESSION_S:
        yield Finding("session-too-long", "session_idle_s")
    if settings.origin == Settings.model_fields["origin"].default:
        yield Finding("origin-default", "origin")
    path = settings.dir / FILE_NAME
    if path.exists() and _writable_by_others(path, {0, settings.dir.stat().st_uid}):
        yield Finding("settings-writable", FILE_NAME)


def _certificate(settings: Settings) -> Iterator[Finding]:
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    if not all(os.access(path, os.R_OK) for path in (settings.tls_certificate, settings.tls_key)):
        yield Finding("tls-files-missing", "tls_certificate")
    elif stat.S_IMODE(settings.tls_key.stat().st_mode) & 0o077:
        yield Finding("tls-key-exposed", "tls_key")


def _way_to_database(settings: Settings) -> Iterator[Finding]:
    # An address that can't be read is told with a code of its own by whoever opens it.
    with suppress(SandboxError):
        address = address_given(settings.database, settings.database_file)
        if address is not None and may_be_overheard(address):
            yield Finding("database-in-the-clear", "database")


def _way_to_notary(settings: Settings, process: Process | None) -> Iterator[Finding]:
    if settings.notary_address is None:
        return
    owns = [settings.dir / OWN[one] for one in ((process,) if process else Process)]
    # A machine has the folders of the processes that it runs, and those of others are theirs.
    given = [own for own in owns if (own / FOLDER).exists()] or owns[:1]
    for own in given:
        if os.access(own, os.R_OK | os.X_OK) and not is_complete(own):
            yield Finding("notary-tls-missing", f"{own.name}/{FOLDER}")


def _users(folder: Path, process: Process | None, user: int | None) -> Iterator[Finding]:
    found = owners(folder)
    if len(set(found.values())) < len(Process):
        yield Finding("users-shared", "data folder")
    if 0 in found.values() or (process and user == 0):
        yield Finding("user-root", process or "data folder")
    elif process and user is not None and found.get(process) != user:
        yield Finding("user-wrong", OWN[process])
    if folder.stat().st_uid in found.values():
        yield Finding("folder-owner", "data folder")


def _folders(folder: Path) -> Iterator[Finding]:
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        yield Finding("folder-exposed", "data folder")
    allowed = dict.fromkeys(OWN.values(), PRIVATE) | dict.fromkeys((*COMMON, RUN), 0o770)
    for name, most in allowed.items():
        path = folder / name
        if path.exists() and stat.S_IMODE(path.lstat().st_mode) & 0o777 & ~most:
            yield Finding("folder-exposed", name)


def exposed_secrets(folder: Path) -> Iterator[Finding]:
    """Secret files that others have rights to, or that are links; of those that can be seen."""
    for path in secret_files(folder):
        if path.is_symlink() or stat.S_IMODE(path.lstat().st_mode) & 0o077:
            yield Finding("secret-exposed", path.relative_to(folder).as_posix())


def secret_files(folder: Path) -> Iterator[Path]:
    """The secret files that are there and that this user may look at."""
    for pattern in SECRETS:
        top = folder / pattern.split("/", 1)[0]
        if os.access(top, os.R_OK | os.X_OK):
            yield from sorted(folder.glob(pattern))


def _pins(settings: Settings) -> Iterator[Finding]:
    own = settings.dir / OWN[Process.WORKER]
    if not os.access(own, os.R_OK | os.X_OK):
        return
    trusted = {0, own.stat().st_uid}
    for path in (settings.pins, own / "serve.pin", own / "account"):
        if path.exists() and _writable_by_others(path, trusted):
            yield Finding("pins-exposed", path.name)


def _writable_by_others(path: Path, trusted: set[int]) -> bool:
    state = path.stat()
    return state.st_uid not in trusted or bool(stat.S_IMODE(state.st_mode) & 0o022)
