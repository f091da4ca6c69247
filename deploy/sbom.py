"""`python deploy/sbom.py [--to FILE]`: what the image is made of, as CycloneDX 1.6 JSON.

Names, versions and hashes are the lock's; licences are what the installed distributions say of
themselves. What has no licence, or one that would bind our own code, ends it with 1. The same lock
gives the same bytes.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from build_wheel import ROOT, date
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = ROOT / "requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
HASHED = re.compile(r"--hash=sha256:([0-9a-f]{64})")
BINDING = re.compile(r"(?<![A-Z])(A?GPL|SSPL|EUPL|OSL|BUSL)")
CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
PLAIN = {"MIT"}  # said in the old field, in the words of SPDX


class Unfit(Exception):
    """Something in the lock must not be shipped, or can't be told."""


def locked(text: str) -> dict[str, tuple[str, list[str]]]:
    """Name -> version and hashes of every distribution of a lock file."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in text.splitlines():
        pinned = PINNED.match(line)
        if pinned:
            name = canonicalize_name(pinned[1])
            found[name] = (pinned[2], [])
        for digest in HASHED.findall(line):
            found[name][1].append(digest)
    bare = [name for name, (_, hashes) in found.items() if not hashes]
    if bare or not found:
        raise Unfit(f"no hash in the lock: {', '.join(bare)}")
    return found


def licence(name: str) -> str:
    """The SPDX expression that an installed distribution names."""
    told = metadata.metadata(name)
    classes = [one.rsplit(" :: ", 1)[-1] for one in told.get_all("Classifier") or []]
    classified = [CLASSIFIED[one] for one in classes if one in CLASSIFIED]
    plain = told.get("License")
    said = told.get("License-Expression") or next(iter(classified), None)
    if said is None and plain in PLAIN:
        said = plain
    if said is None:
        raise Unfit(f"no licence is known of {name}")
    if BINDING.search(said):
        raise Unfit(f"{name} is under {said}")
    return said


def needs(name: str, known: set[str]) -> Iterator[str]:
    """What a distribution needs of those that are locked."""
    for text in metadata.requires(name) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": "binary"}):
            wanted = canonicalize_name(requirement.name)
            if wanted in known:
                yield wanted


def bill(lock: str) -> Bom:
    """The bill of what the lock installs."""
    entries = locked(lock)
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    make = LicenseFactory().make_from_string
    house = Component(
        name=about["name"], version=about["version"], type=ComponentType.APPLICATION,
        bom_ref=about["name"], licenses=[make(about["license"])],
    )  # fmt: skip
    parts = {
        name: Component(
            name=name, version=version, type=ComponentType.LIBRARY, bom_ref=f"{name}@{version}",
            purl=PackageURL("pypi", None, name, version), licenses=[make(licence(name))],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        )
        for name, (version, hashes) in entries.items()
    }  # fmt: skip
    bom = Bom(components=parts.values(), serial_number=uuid5(NAMESPACE_URL, lock))
    bom.metadata.component = house
    bom.metadata.timestamp = datetime.fromtimestamp(date(), UTC)
    direct = {canonicalize_name(Requirement(text).name) for text in about["dependencies"]}
    if not direct <= set(parts):
        raise Unfit(f"the lock lacks {', '.join(sorted(direct - set(parts)))}")
    bom.register_dependency(house, [parts[name] for name in sorted(direct)])
    for name, part in parts.items():
        bom.register_dependency(part, [parts[one] for one in sorted(set(needs(name, set(parts))))])
    return bom


def rendered(bom: Bom) -> str:
    """The bill as JSON that keeps to the standard's own schema."""
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise Unfit(f"it breaks the schema: {wrong}")
    return f"{text}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "sbom.cdx.json")
    parser.add_argument("--lock", type=Path, default=LOCK)
    given = parser.parse_args()
    try:
        text = rendered(bill(given.lock.read_text(encoding="utf-8")))
    except Unfit as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    given.to.parent.mkdir(parents=True, exist_ok=True)
    given.to.write_text(text, encoding="utf-8")
    print(f"{given.to}: {text.count('bom-ref') - 1} distributions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
