"""`anbiao doctor`: how this house is set up, in plain words, one line per check.

A failure is something to mend: production does not start with one. A warning is something to know.
What this user may not look into is said to be unseen; root sees all.
"""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from api.cli.processes import dir_option
from sandbox import wiring
from sandbox.errors import SandboxError
from sandbox.layout import OWN, is_apart
from sandbox.provenance import notary_tls
from sandbox.provenance.adopted import Adoption, adoption_in
from sandbox.settings import Mode, Settings, is_loopback, load
from sandbox.soundness import TOLD, Verdict, exposed_secrets, failures, secret_files

_MINE: Final = ("exchange/keys.sqlite", "db/*.sqlite")
"""Shared by the processes; its owner's alone where one user is all of them."""

_SOON_DAYS: Final = 30
_TOLD_TO_WORKER: Final = ("serve.pin", "account")
_WIDTH: Final = max(map(len, Verdict))


@dataclass(frozen=True)
class Line:
    """One line of the report."""

    verdict: Verdict
    check: str
    place: str
    english: str
    chinese: str

    def said(self, language: str) -> str:
        """The sentence in this language."""
        return self.chinese if language == "zh" else self.english


@click.command()
@dir_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the sentences.",
)
def doctor(folder: Path, form: str, lang: str) -> int:
    """Check how the house in DIR is set up; exit 1 when something is to be mended.

    Each line is ok, warn or fail, the place, and what to do. JSON is a list of
    `check, verdict, place, text`. Run as root it sees every part, else what its user may see.
    """
    lines = list(examine(load(folder, os.environ)))
    if form == "json":
        click.echo(json.dumps([_row(line, lang) for line in lines], ensure_ascii=False))
    else:
        for line in lines:
            click.echo(f"{line.verdict:<{_WIDTH}}  {line.place}: {line.said(lang)}")
    return int(any(line.verdict == Verdict.FAIL for line in lines))


def _row(line: Line, language: str) -> dict[str, str]:
    return {
        "check": line.check,
        "verdict": line.verdict.value,
        "place": line.place,
        "text": line.said(language),
    }


def examine(settings: Settings) -> Iterator[Line]:
    """What there is to say about a house."""
    if not settings.dir.is_dir():
        yield Line(
            Verdict.FAIL,
            "folder-missing",
            "data folder",
            "is not there; `anbiao serve` makes it, for production `anbiao layout`",
            "不存在；可由 `anbiao serve` 建立，生产环境请用 `anbiao layout`",
        )
        return
    yield _mode(settings)
    for finding in failures(settings):
        yield _failed(finding.code, finding.place)
    if settings.mode == Mode.DEMO:
        yield from _one_user(settings.dir)
    yield from _secrets(settings.dir)
    yield from _unseen(settings.dir)
    yield _users(settings.dir)
    yield _worker(settings)
    yield _policy(settings)
    yield from _door(settings)
    yield from _far_notary(settings)
    yield from _database(settings)
    yield _disk(settings)
    yield Line(
        Verdict.WARN,
        "attestation",
        "attestation",
        "none in force: a root operator of the live machine is not defended against",
        "未启用：无法防范在运行机器上拥有 root 权限的运营人员",
    )


def _failed(code: str, place: str) -> Line:
    return Line(Verdict.FAIL, code, place, *TOLD[code])


def _mode(settings: Settings) -> Line:
    if settings.mode == Mode.PRODUCTION:
        return Line(
            Verdict.OK,
            "mode",
            "mode",
            "production: what fails below refuses the start",
            "生产模式：下列任一项不合格即拒绝启动",
        )
    return Line(
        Verdict.WARN,
        "mode",
        "mode",
        "demo: for one user on one machine, not for real data",
        "演示模式：仅供单机单用户试用，不得用于真实数据",
    )


def _one_user(folder: Path) -> Iterator[Line]:
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Line(
            Verdict.FAIL,
            "folder-exposed",
            "data folder",
            "others can look into it; chmod 700",
            "其他用户可以进入；请执行 chmod 700",
        )
    for path in sorted(path for pattern in _MINE for path in folder.glob(pattern)):
        exposed = path.is_symlink() or stat.S_IMODE(path.lstat().st_mode) & 0o077
        place = path.relative_to(folder).as_posix()
        yield _failed("secret-exposed", place) if exposed else _private(place)


def _secrets(folder: Path) -> Iterator[Line]:
    exposed = {finding.place for finding in exposed_secrets(folder)}
    for path in secret_files(folder):
        place = path.relative_to(folder).as_posix()
        yield _failed("secret-exposed", place) if place in exposed else _private(place)


def _private(place: str) -> Line:
    return Line(Verdict.OK, "secret", place, "readable by its owner alone", "仅其所有者可读")


def _unseen(folder: Path) -> Iterator[Line]:
    for name in OWN.values():
        if (folder / name).exists() and not os.access(folder / name, os.R_OK | os.X_OK):
            yield Line(
                Verdict.WARN,
                "unseen",
                name,
                "belongs to another user and was not looked into; run as root",
                "属于其他用户，未予检查；请以 root 运行",
            )


def _users(folder: Path) -> Line:
    if is_apart(folder):
        return Line(
            Verdict.OK,
            "users",
            "users",
            "the processes' folders belong to different users",
            "各进程的目录属于不同的系统用户",
        )
    return Line(
        Verdict.WARN,
        "users",
        "users",
        "one user owns serve, vault and notary: the split is no defence here",
        "serve、vault、notary 属于同一用户：进程隔离在此不构成防护",
    )


def _worker(settings: Settings) -> Line:
    own = settings.dir / "vault"
    if own.exists() and not os.access(own, os.R_OK | os.X_OK):
        return Line(Verdict.WARN, "worker", "worker", "was not looked into", "未予检查")
    missing = [name for name in _TOLD_TO_WORKER if not (own / name).exists()]
    if not settings.pins.exists():
        missing.append(settings.pins.name)
    if missing:
        return Line(
            Verdict.WARN,
            "worker",
            "worker",
            f"waits for {', '.join(missing)} in vault/",
            f"等待 vault/ 中的 {'、'.join(missing)}",
        )
    return Line(
        Verdict.OK,
        "worker",
        "worker",
        "knows its account, serve's key and the stewards",
        "已知其账号、serve 的公钥和数据提供方主管",
    )


_POLICY: Final = {
    Adoption.READABLE: (
        "adopted, and this program makes the same table of it",
        "已采纳，且本程序由其得出相同的决策表",
    ),
    Adoption.NO_LOG: (
        "none adopted yet: `anbiao policy adopt`, once the house is founded",
        "尚未采纳：建立系统后请执行 `anbiao policy adopt`",
    ),
    Adoption.NONE: (
        "none adopted: `anbiao policy adopt`; in production nothing of a hospital is done before",
        "尚未采纳：请执行 `anbiao policy adopt`；生产模式下在此之前不处理任何数据提供方的事务",
    ),
    Adoption.UNREADABLE: (
        "of another program: two policy admins adopt it anew, `anbiao policy readopt`",
        "出自另一版本的程序：须由两名策略管理员重新采纳（`anbiao policy readopt`）",
    ),
    Adoption.UNPROVED: (
        "the platform's log does not prove which one is in force: `anbiao verify DIR/log/platform`",
        "平台账本无法证明现行策略：请执行 `anbiao verify DIR/log/platform`",
    ),
}


def _policy(settings: Settings) -> Line:
    """Which policy the published log of the platform proves, and whether it can be read here."""
    found = adoption_in(settings.dir / "log", settings.dir / "policy")
    verdict = Verdict.FAIL
    if found is Adoption.READABLE:
        verdict = Verdict.OK
    elif found is Adoption.NO_LOG or (found is Adoption.NONE and settings.mode == Mode.DEMO):
        verdict = Verdict.WARN
    return Line(verdict, str(found), "policy", *_POLICY[found])


def _door(settings: Settings) -> Iterator[Line]:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None:
        if settings.mode == Mode.DEMO:
            yield Line(
                Verdict.WARN,
                "tls",
                "TLS",
                f"none; {settings.host} is reached from this machine only",
                f"未启用；{settings.host} 仅可从本机访问",
            )
    elif not (certificate.is_file() and key.is_file()):
        if settings.mode == Mode.DEMO:
            yield _failed("tls-files-missing", "TLS")
    elif stat.S_IMODE(key.stat().st_mode) & 0o077:
        if settings.mode == Mode.DEMO:
            yield _failed("tls-key-exposed", "TLS")
    else:
        here = is_loopback(settings.host)
        yield Line(
            Verdict.OK,
            "tls",
            "TLS",
            f"in force, reached from {'this machine' if here else 'the network'}",
            f"已启用，可从{'本机' if here else '网络'}访问",
        )


def _far_notary(settings: Settings) -> Iterator[Line]:
    """How long the certificates of the way to a far notary are good; of those that are seen."""
    for own in (settings.dir / name for name in OWN.values()):
        if settings.notary_address is None or not os.access(own, os.R_OK | os.X_OK):
            continue
        place = f"{own.name}/{notary_tls.FOLDER}"
        if not notary_tls.is_complete(own):
            continue
        try:
            notary_tls.identity(own)
            days = (notary_tls.ends_at(own) - datetime.now(UTC)).days
        except SandboxError as error:
            yield Line(
                Verdict.FAIL, error.code, place, error.message, f"证书无法使用：{error.code}"
            )
            continue
        yield Line(
            Verdict.FAIL if days < 0 else Verdict.WARN if days < _SOON_DAYS else Verdict.OK,
            "notary-tls",
            place,
            f"certificate ends in {days} days" if days >= 0 else "certificate has ended; make anew",
            f"证书将于 {days} 天后到期" if days >= 0 else "证书已过期，请重新生成",
        )


def _database(settings: Settings) -> Iterator[Line]:
    if not settings.shares_ledgers:
        return
    try:
        wiring.check_database(settings)
    except SandboxError as error:
        said = f"{error.code}: {error.message}"
        yield Line(Verdict.FAIL, error.code, "database", said, f"数据库检查未通过：{error.code}")
    else:
        yield Line(
            Verdict.OK,
            "database",
            "database",
            "answers; the role may do no more than it must, the tables are of this version",
            "可以连接；角色权限不超出所需，表结构与本版本一致",
        )


def _disk(settings: Settings) -> Line:
    free = shutil.disk_usage(settings.dir).free
    if free < settings.spare_disk_bytes:
        return Line(
            Verdict.FAIL,
            "disk",
            "disk",
            f"{free // 2**20} MiB free, less than is to be spare; make room",
            f"剩余 {free // 2**20} MiB，低于应留空间；请清理磁盘",
        )
    return Line(
        Verdict.OK, "disk", "disk", f"{free // 2**20} MiB free", f"剩余 {free // 2**20} MiB"
    )
