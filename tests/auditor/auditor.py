"""Builds the Go auditor from its source and the toolchain's own copy of x/mod, and runs it.

The toolchain comes as a wheel; nothing is fetched. A built program is kept under `build/`, by the
digest of what it was built from.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent
PACKAGES = ("note", "tlog")
MODULE = """module audit

go 1.27

require golang.org/x/mod v0.0.0

replace golang.org/x/mod => ./mod
"""


@dataclass(frozen=True)
class Verdict:
    """What the auditor said: exit code and line."""

    code: int
    said: str


def goroot() -> Path:
    """The folder of the Go toolchain."""
    found = importlib.util.find_spec("go")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def sources() -> Iterator[tuple[str, Path]]:
    """What is compiled: name in the build folder, and file."""
    for path in sorted(SOURCE.glob("*.go")):
        yield path.name, path
    vendored = goroot() / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb"
    for package in PACKAGES:
        for path in sorted((vendored / package).glob("*.go")):
            yield f"mod/sumdb/{package}/{path.name}", path


def built() -> Path:
    """The auditor's program, compiled when its source is new."""
    digest = hashlib.sha256(MODULE.encode())
    for name, path in sources():
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    program = ROOT / "build" / "auditor" / digest.hexdigest()[:16] / "audit"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            _compile(Path(folder)).rename(program)
    return program


def _compile(folder: Path) -> Path:
    for name, path in sources():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    (folder / "go.mod").write_text(MODULE)
    (folder / "mod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.27\n")
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "GOROOT": str(goroot()),
        "GOCACHE": str(ROOT / "build" / "auditor" / "cache"),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod",
        "CGO_ENABLED": "0",
    }
    command = [str(goroot() / "bin" / "go"), "build", "-trimpath", "-o", "audit", "."]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "audit"


def audit(*arguments: str | Path) -> Verdict:
    """What the auditor says of `log FOLDER KEYS`, `extends FOLDER OLD KEYS`, `proof ENTRY PROOF KEYS`."""
    done = subprocess.run(
        [str(built()), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return Verdict(done.returncode, (done.stdout or done.stderr).strip())
