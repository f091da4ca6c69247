"""The peers' own environment, `.venv-peers/`: made on first use, never the project's own.

What is in it stands, with hashes, in `requirements.txt`; a changed list makes it anew.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
HOME = HERE.parent.parent / ".venv-peers"
PYTHON = HOME / "bin" / "python"
LIST = HERE / "requirements.txt"
HOW = "python -m venv .venv-peers && .venv-peers/bin/pip install -r bench/peers/requirements.txt"


@dataclass(frozen=True)
class Result:
    """What a peer made of one file; `output` is None where it raised or refused."""

    name: str
    output: Path | None
    error: str | None
    spent_s: float


def ready() -> bool:
    """Whether the environment is there, made now if need be."""
    stamp = HOME / ("installed-" + hashlib.sha256(LIST.read_bytes()).hexdigest()[:16])
    if stamp.exists():
        return True
    shutil.rmtree(HOME, ignore_errors=True)
    python = shutil.which("python3.11") or sys.executable
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        for command in (
            [python, "-m", "venv", HOME],
            [*install, "--require-hashes", "--no-deps", "-r", LIST],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
    except (subprocess.CalledProcessError, OSError) as error:
        print(getattr(error, "stderr", error), file=sys.stderr)
        print(f"The peers are not installed; ours stands alone. By hand: {HOW}", file=sys.stderr)
        return False
    stamp.touch()
    return True


def run(peer: str, source: Path, target: Path, seconds: float = 0) -> list[Result]:
    """Let a peer clean a folder, once, or round and round for some seconds.

    Raises:
        CalledProcessError: the peer's process ended badly as a whole.
    """
    target.mkdir(exist_ok=True)
    certificate = target.parent / "certificate.pem"
    if not certificate.exists():
        certificate.write_bytes(_certificate())
    command = [PYTHON, HERE / "run_peer.py", peer, source, target]
    command += ["--seconds", str(seconds), "--certificate", certificate]
    # Elsewhere, so that no folder here can be taken for a package of theirs.
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HOME)
    results = []
    for line in ended.stdout.splitlines():
        known = json.loads(line)
        output = known.pop("output")
        results.append(Result(output=target / output if output else None, **known))
    return results


def _certificate() -> bytes:
    """A certificate whose private key nobody keeps: what it encrypts is lost."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=2))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)
