"""The keys that a depositor seals to and names by, once they proved to be the worker's.

The intake key counts only when the worker's identity key signed it for this dataset, and the
identity key only by the fingerprint that the depositor was told out of band: a server that hands
out a key of its own gets nothing. The same holds for the naming key, which is sealed to the
depositor's own key besides.
"""

import base64
from dataclasses import replace
from typing import Final

from api.client.errors import ClientError
from api.client.http import Door, Json
from api.client.keys import PersonKeys
from api.client.manifest import IntakeKey
from crypto import naming, sealing, signing
from crypto.errors import VerificationError
from crypto.signing import fingerprint, verify_act

_ASKED: Final = 30
_PAUSE_S: Final = 0.5


def trusted_intake_key(
    door: Door, ledger: str, dataset: str, worker: str, keys: PersonKeys
) -> IntakeKey:
    """The dataset's intake key and naming key, once they proved to be the worker's.

    Args:
        door: the server.
        ledger: the hospital's ledger.
        dataset: the dataset.
        worker: fingerprint of the worker's identity key, as told out of band.
        keys: the depositor's own; the naming key is sealed to them.

    Raises:
        ClientError: `fingerprint-differs`, `intake-key-not-signed`, `naming-key-not-signed`,
            `naming-key-missing`: the worker has given none to these keys; or the server refused.
    """
    for left in reversed(range(_ASKED)):
        offer = door.get(f"/hospitals/{ledger}/datasets/{dataset}/intake-key")
        key = _checked(offer, ledger, dataset, worker)
        if offer.get("naming") is not None:
            return replace(key, naming=_naming_key(offer, key, keys))
        if left:  # a role just given, and the worker not yet come to it
            door.pause(_PAUSE_S)
    raise ClientError(
        "naming-key-missing",
        "the worker has given these keys no naming key; does it run, and were they enrolled "
        "before the role was given?",
    )


def worker_intake_key(door: Door, ledger: str, dataset: str, worker: str) -> IntakeKey:
    """The dataset's intake key, once it proved to be the worker's.

    Args:
        door: the server.
        ledger: the hospital's ledger.
        dataset: the dataset.
        worker: fingerprint of the worker's identity key, as told out of band.

    Raises:
        ClientError: `fingerprint-differs`, `intake-key-not-signed`, or the server refused.
    """
    offer = door.get(f"/hospitals/{ledger}/datasets/{dataset}/intake-key")
    return _checked(offer, ledger, dataset, worker)


def _checked(offer: Json, ledger: str, dataset: str, worker: str) -> IntakeKey:
    identity = _octets(offer, "identity_key")
    if fingerprint(identity) != worker:
        raise ClientError("fingerprint-differs", "the server shows another worker's identity key")
    key = str(offer.get("intake_key"))
    try:
        verify_act(
            identity,
            ledger,
            "dataset.open-intake",
            {"dataset": dataset, "intake_key": key},
            {"public_key": str(offer.get("public_key"))},
            key,
            _octets(offer, "signature"),
        )
    except VerificationError as error:
        raise ClientError("intake-key-not-signed", "the worker did not sign this key") from error
    return IntakeKey(ledger, dataset, key, _octets(offer, "public_key"))


def _naming_key(offer: Json, key: IntakeKey, keys: PersonKeys) -> bytes:
    given = offer["naming"]
    sealed, own = _octets(given, "sealed"), keys.sealing
    message = naming.offer_message(key.ledger, key.dataset, own.public_bytes, sealed)
    try:
        signing.verify(_octets(offer, "identity_key"), message, _octets(given, "signature"))
        return sealing.open(own, naming.seal_info(key.ledger, key.dataset), sealed)
    except VerificationError as error:
        raise ClientError(
            "naming-key-not-signed", "the worker did not make this naming key for these keys"
        ) from error


def _octets(answer: Json, name: str) -> bytes:
    try:
        return base64.b64decode(str(answer[name]), validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError("answer-malformed", f"the server's {name} is not base64") from error
