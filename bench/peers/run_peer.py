"""Cleans files with a peer and prints seconds per file; runs in the peers' environment.

`python clean_peers.py PEER SECONDS IN_FOLDER OUT_FOLDER`
"""

import importlib
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")


def dicom_anonymizer():
    peer = importlib.import_module("dicomanonymizer")
    return lambda source, target: peer.anonymize_dicom_file(str(source), str(target))


def dicognito():
    pydicom = importlib.import_module("pydicom")
    anonymizer = importlib.import_module("dicognito.anonymizer").Anonymizer(seed="bench")

    def clean(source, target):
        with pydicom.dcmread(source) as dataset:
            anonymizer.anonymize(dataset)
            dataset.save_as(target)

    return clean


def main():
    peer, seconds, inputs, outputs = sys.argv[1:]
    clean = {"dicom-anonymizer": dicom_anonymizer, "dicognito": dicognito}[peer]()
    files = sorted(Path(inputs).iterdir())
    clean(files[0], Path(outputs) / "warm")
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < float(seconds):
        source = files[done % len(files)]
        clean(source, Path(outputs) / source.name)
        done += 1
    print(spent / done)


if __name__ == "__main__":
    main()
