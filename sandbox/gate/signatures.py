"""Acts that count only with the person's own signature, and each signature only once."""

from crypto import signing, strict64
from crypto.errors import VerificationError
from policies.vocabulary import SIGNED_ACTIONS
from sandbox.acts import PLATFORM, Acting, Command, SignedAct
from sandbox.errors import Conflict, SignatureRequired
from sandbox.records.people import UsedNonce
from sandbox.records.port import Tables


def check_signature(
    tables: Tables, command: Command, acting: Acting, *, founding: bool
) -> SignedAct | None:
    """The signature to stand in the entry, verified and its nonce used up; None without one.

    Raises:
        SignatureRequired: there is none, or none that counts.
        Conflict: `act-replayed`: its nonce stood in an earlier act.
    """
    act = command.signed
    if act is None:
        if command.ACTION in SIGNED_ACTIONS and command.ledger != PLATFORM:
            raise SignatureRequired
        return None
    if act.public_key not in _keys_that_count(act, acting, founding=founding):
        raise SignatureRequired("signature-by-other-key", "the key is not an enrolled one of yours")
    if not act.objects.items() <= dict(command.objects()).items():
        raise SignatureRequired("signature-of-other-objects", "the signature is about other things")
    _verify(command, act)
    if tables.of(UsedNonce).get(act.nonce) is not None:
        raise Conflict("act-replayed", "this signed act was carried out before")
    tables.of(UsedNonce).insert(UsedNonce(act.nonce, acting.index))
    return act


def _keys_that_count(act: SignedAct, acting: Acting, *, founding: bool) -> set[bytes]:
    if not founding:
        return {m.signing_key for m in acting.memberships if m.signing_key}
    # Nobody enrolled the founder: the entry names the key, and the worker's pins decide whether
    # the ledger that begins so is ever believed.
    try:
        return {strict64.decode(act.terms.get("signing_key", ""), signing.PUBLIC_SIZE)}
    except VerificationError as error:
        raise SignatureRequired("signature-by-other-key", "the terms name no key") from error


def _verify(command: Command, act: SignedAct) -> None:
    try:
        signing.verify_act(
            act.public_key,
            command.ledger,
            str(command.ACTION),
            act.objects,
            act.terms,
            act.nonce,
            act.signature,
        )
    except VerificationError as error:
        raise SignatureRequired("signature-invalid", "the signature does not verify") from error
