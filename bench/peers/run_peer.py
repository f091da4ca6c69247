"""Cleans a folder with one peer; runs in the peers' own environment and imports nothing of ours.

`python run_peer.py PEER IN_FOLDER OUT_FOLDER [--seconds S] [--certificate PEM]`

Prints one JSON object a file: `name`, `output` (or null), `error` (class of what was raised, or
null), `spent_s` (processor time). With `--seconds`, goes round the folder for so long. Files are
read from disk and written to it, as each peer's own documentation does it.
"""

import argparse
import importlib
import json
import logging
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def dicom_anonymizer():
    """Its defaults: the table of 2023."""
    peer = importlib.import_module("dicomanonymizer")
    return lambda source, target: peer.anonymize_dicom_file(str(source), str(target))


def dicom_anonymizer_2024b():
    """The edition that the corpus follows, as its documentation has it."""
    peer = importlib.import_module("dicomanonymizer.simpledicomanonymizer")

    def clean(source, target):
        rules = peer.initialize_actions_2024b
        peer.anonymize_dicom_file(str(source), str(target), base_rules_gen=rules)

    return clean


def dicognito():
    """Its defaults; there is no stricter setting."""
    pydicom = importlib.import_module("pydicom")
    anonymizer = importlib.import_module("dicognito.anonymizer").Anonymizer(seed="bench")

    def clean(source, target):
        with pydicom.dcmread(source) as dataset:
            anonymizer.anonymize(dataset)
            dataset.save_as(target)

    return clean


def deid(**settings):
    """Its default recipe."""
    peer = importlib.import_module("deid.dicom")
    importlib.import_module("deid.logger").bot.level = -5  # QUIET

    def clean(source, target):
        (cleaned,) = peer.replace_identifiers(dicom_files=[str(source)], save=False, **settings)
        cleaned.save_as(target)

    return clean


def deid_strict():
    """The default recipe, and private elements go as well.

    Its `strip_sequences` raises KeyError at sequences in sequences, so it is left out.
    """
    return deid(remove_private=True)


PEERS = {
    "dicom-anonymizer": dicom_anonymizer,
    "dicom-anonymizer 2024b": dicom_anonymizer_2024b,
    "dicognito": dicognito,
    "deid": deid,
    "deid strict": deid_strict,
}


def one_by_one(peer, files, target, seconds):
    """Clean file by file, timing each."""
    clean = PEERS[peer]()
    if seconds:
        _try(clean, files[0], target / files[0].name)
    began = time.perf_counter()
    at = 0
    while at < len(files) if not seconds else time.perf_counter() - began < seconds:
        source = files[at % len(files)]
        at += 1
        output = target / source.name
        start = time.process_time()
        error = _try(clean, source, output)
        spent = time.process_time() - start
        yield source.name, output, error, spent


def _try(clean, source, output):
    """The class of what a peer raises at a file, or None; a peer may raise anything."""
    try:
        clean(source, output)
    except Exception as error:  # noqa: BLE001 - a peer may raise anything, which is counted
        output.unlink(missing_ok=True)
        return type(error).__name__
    return None


def gdcmanon(files, target, seconds, certificate):
    """The PS 3.15 mode, its default, with a certificate and its own tables of objects.

    File by file to see which it takes; its speed is that of one call over a folder, as its manual
    has it, because one file that it can't read ends such a call.
    """
    folder = Path(importlib.import_module("gdcm").__file__).parent / "_gdcm"
    command = [folder / "gdcmanon", "-e", "-c", certificate, "--resources-path", folder / "XML"]
    if seconds:
        spent = rounds(command, files, target, seconds)
        yield from ((source.name, target / source.name, None, spent) for source in files)
        return
    for source in files:
        output = target / source.name
        spent, well = _call([*command, source, output])
        if not well:
            output.unlink(missing_ok=True)
        yield source.name, output, None if well else "Refused", spent


def rounds(command, files, target, seconds):
    """Processor seconds a file of the best call over the whole folder, without the start."""
    start = min(_call([*command, files[0], target / files[0].name])[0] for _ in range(3))
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < seconds:
        spent, well = _call([*command, files[0].parent, target])
        if not well:
            raise SystemExit("gdcmanon refused a file of the folder")
        best = min(best, (spent - start) / (len(files) - 1))
    return best


def _call(command):
    """Processor seconds of a program, and whether it went well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, ended.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=[*PEERS, "gdcmanon"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--certificate", type=Path, help="gdcmanon's; its private key is gone")
    given = parser.parse_args()
    files = sorted(given.source.iterdir())
    if given.peer == "gdcmanon":
        results = gdcmanon(files, given.target, given.seconds, given.certificate)
    else:
        results = one_by_one(given.peer, files, given.target, given.seconds)
    # Peers print what they like; the report goes out at the end, and alone.
    said, sys.stdout = sys.stdout, sys.stderr
    lines = [
        {
            "name": name,
            "output": output.name if output.exists() else None,
            "error": error,
            "spent_s": spent,
        }
        for name, output, error, spent in results
    ]
    sys.stdout = said
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
