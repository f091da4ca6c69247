"""A released package on this side of the door: its files, and what they have to agree with.

Digest and form of the statement are those of `crypto.verifier`; a server that shows one package
and has another signed is found out here.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from api.client.errors import ClientError
from crypto.canonical import decode
from crypto.errors import VerificationError
from crypto.verifier import package_digest

DIFFERS = "package-differs"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}\.(?:json|jsonl)")


def check_names(files: Mapping[str, object]) -> None:
    """Refuse names that are no plain file names.

    Raises:
        ClientError: `package-differs`.
    """
    if not files or not all(_NAME.fullmatch(name) for name in files):
        raise ClientError(DIFFERS, "a file's name is not plain")


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of an opened package.

    Raises:
        ClientError: `package-differs`: it has another form.
    """
    try:
        value = decode(data)
        files = {str(name): text.encode("utf-8") for name, text in value["files"].items()}
    except (VerificationError, KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
        raise ClientError(DIFFERS, "the package has another form") from error
    check_names(files)
    return files


def check_statement(
    statement: bytes, files: Mapping[str, bytes], ledger: str, release: str
) -> Mapping[str, Any]:  # Any: JSON, checked field by field
    """The statement's predicate, when it speaks of exactly these files and this release.

    Raises:
        ClientError: `package-differs`.
    """
    try:
        value = decode(statement)
        subjects = {one["name"]: one["digest"]["sha256"] for one in value["subject"]}
        predicate = value["predicate"]
        said = (predicate["ledger"], predicate["release"], predicate["package"])
    except (VerificationError, KeyError, TypeError) as error:
        raise ClientError(DIFFERS, "the statement has another form") from error
    own = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if subjects != own or said != (ledger, release, package_digest(files)):
        raise ClientError(DIFFERS, "the statement is not about these files")
    return dict(predicate)
