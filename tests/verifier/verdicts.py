"""The verifier's verdict on things in memory, as `run` would give it."""

from collections.abc import Mapping, Sequence

from small_log import SmallLog

from crypto import verifier

SOUND, BROKEN, CANNOT_TELL = verifier.SOUND, verifier.BROKEN, verifier.CANNOT_TELL


def pins_of(*logs: SmallLog) -> verifier.Pins:
    """Only the Ed25519 keys: the others must then be named by what is verified."""
    return verifier.read_pins([log.vkeys[0] for log in logs])


def on_log(
    files: Mapping[str, bytes], pins: verifier.Pins, since: bytes | None = None
) -> tuple[int, str]:
    source = verifier.Members(files)
    return verifier.judged(lambda: verifier.verify_log_folder(source, pins, since))


def on_package(files: Mapping[str, bytes], pins: verifier.Pins) -> tuple[int, str]:
    return verifier.judged(lambda: verifier.verify_package(verifier.Members(files), pins))


def on_file(octets: bytes, pins: verifier.Pins, since: bytes | None = None) -> tuple[int, str]:
    return verifier.judged(lambda: verifier._verify_file(octets, "file", pins, since))


def story(log: SmallLog, pins: verifier.Pins | None = None) -> tuple[int, str]:
    """On a log's published folder, under its own key unless other pins are given."""
    return on_log(log.files(), pins or pins_of(log))


def code_of(verdict: tuple[int, str]) -> str:
    """The code of a BROKEN verdict; the whole sentence of any other."""
    code, said = verdict
    return said.split()[1] if code == BROKEN else said


def assert_broken(verdict: tuple[int, str], *codes: str) -> None:
    assert verdict[0] == BROKEN, verdict
    assert code_of(verdict) in codes, verdict


def flipped(octets: bytes, at: int, bit: int) -> bytes:
    return octets[:at] + bytes([octets[at] ^ (1 << bit)]) + octets[at + 1 :]


def positions(size: int, wanted: int, seed: int = 1) -> Sequence[int]:
    """At most `wanted` places in `size` bytes: evenly spread, both ends among them."""
    if size <= wanted:
        return range(size)
    step = size / wanted
    places = {min(size - 1, int(i * step) + seed % max(1, int(step))) for i in range(wanted)}
    return sorted(places | {0, size - 1})
