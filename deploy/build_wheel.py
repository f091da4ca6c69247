"""`python deploy/build_wheel.py --to FOLDER`: the wheel, the same bytes from the same source.

The source is copied first, with plain modes and nothing that lay beside it; every date in the wheel
is SOURCE_DATE_EPOCH, or that of the last commit. Nothing is fetched.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("api", "crypto", "policies", "sandbox")
BESIDE = ("pyproject.toml", "README.md", "LICENSE")
DATA = {".conf", ".csv", ".json", ".py", ".toml", ".txt"}
EARLIEST = 315_532_800  # 1980: a ZIP knows no time before


def source() -> list[Path]:
    """What the wheel is made of, relative to the top."""
    found = [
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in DATA and "__pycache__" not in path.parts
    ]
    return sorted([*found, *map(Path, BESIDE)])


def date() -> int:
    """The date of everything in the wheel, in seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        given = said.stdout.strip() or "0"
    return max(EARLIEST, int(given))


def build(target: Path) -> Path:
    """Build into `target`; the wheel's path."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room:
        for name in source():
            copy = Path(room) / "source" / name
            copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy)
            copy.chmod(0o644)
        made = Path(room) / "made"
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(made)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(date())}
        subprocess.run(
            [*command, str(Path(room) / "source")], check=True, env=environment, umask=0o022
        )
        (wheel,) = made.glob("*.whl")
        return Path(shutil.copy(wheel, target / wheel.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "dist")
    wheel = build(parser.parse_args().to)
    print(f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel}")


if __name__ == "__main__":
    main()
