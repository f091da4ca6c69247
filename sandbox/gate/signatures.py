"""Acts that count only with the person's own signature, and each signature only once.

A signature names exactly what the log's specification lists for its action. One word more would
be refused by every verifier of the log, for ever: so whoever signs it is refused here.

Source: docs/spec/provenance-log.md, clause 3.4.
"""

from collections.abc import Mapping
from typing import Final

from crypto import signing, strict64
from crypto.errors import VerificationError
from policies.vocabulary import SIGNED_ACTIONS, SIGNED_ON_PLATFORM, Action
from sandbox.acts import PLATFORM, Acting, Command, SignedAct
from sandbox.errors import Conflict, SignatureRequired
from sandbox.records.people import Account, UsedNonce
from sandbox.records.port import Tables

_GRANT: Final = frozenset({"organisation", "role", "signing_key", "sealing_key"})
SIGNED_NAMES: Final[Mapping[Action, tuple[frozenset[str], frozenset[str]]]] = {
    Action.APPROVAL_OPEN: (frozenset({"dataset", "approval"}), frozenset({"session_key"})),
    Action.APPROVAL_SIGN: (frozenset({"dataset", "approval"}), frozenset({"batch", "verdict"})),
    Action.DEPOSIT_OPEN: (frozenset({"dataset", "deposit"}), frozenset({"manifest"})),
    Action.ERASURE_BEGIN: (frozenset({"dataset", "erasure"}), frozenset({"subjects"})),
    Action.ERASURE_COMPLETE: (
        frozenset({"dataset", "erasure"}),
        frozenset({"epoch", "items", "project_items", "subjects"}),
    ),
    Action.ERASURE_ORDER: (
        frozenset({"dataset", "erasure"}),
        frozenset({"scope", "subject", "sealed", "ground"}),
    ),
    Action.HOLD_LIFT: (frozenset({"dataset", "hold"}), frozenset({"reason"})),
    Action.HOLD_PLACE: (frozenset({"dataset", "hold"}), frozenset({"reason"})),
    Action.KEY_ROTATE: (frozenset({"rotation"}), frozenset({"from_epoch", "to_epoch", "through"})),
    Action.LEDGER_OPEN: (frozenset({"member"}), _GRANT),
    Action.MEMBER_GRANT: (
        frozenset({"member", "membership"}),
        _GRANT | {"domain", "expires_at"},
    ),
    Action.MEMBER_REVOKE: (frozenset({"membership"}), frozenset({"reason"})),
    Action.PERMIT_ISSUE: (
        frozenset({"dataset", "project"}),
        frozenset({"valid_from", "valid_until"}),
    ),
    Action.PERMIT_REVOKE: (frozenset({"project"}), frozenset({"reason"})),
    Action.POLICY_APPROVE: (frozenset({"policy"}), frozenset({"table"})),
    Action.POLICY_PROPOSE: (frozenset({"policy"}), frozenset({"base", "diff", "table"})),
    Action.POLICY_REJECT: (frozenset({"policy"}), frozenset({"reason"})),
    Action.RELEASE_VOTE: (frozenset({"release"}), frozenset({"package", "statement", "verdict"})),
    Action.TRAINING_RECORD: (
        frozenset({"training"}),
        frozenset({"course", "members", "passed_at", "expires_at"}),
    ),
    Action.WITNESS_REQUIRE: (frozenset(), frozenset({"policy"})),
}
"""Names of the objects and of the terms that a signature is over, by action."""

# The platform knows accounts, and who signs for one there need not know how the log calls it.
_PLATFORM_GRANT: Final = (
    frozenset({"account", "membership"}),
    SIGNED_NAMES[Action.MEMBER_GRANT][1],
)


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
        asked = SIGNED_ON_PLATFORM if command.ledger == PLATFORM else SIGNED_ACTIONS
        if command.ACTION in asked:
            raise SignatureRequired
        return None
    if act.public_key not in _keys_that_count(tables, act, acting, founding=founding):
        raise SignatureRequired("signature-by-other-key", "the key is not an enrolled one of yours")
    _check_names(command, act)
    _verify(command, act)
    if tables.of(UsedNonce).get(act.nonce) is not None:
        raise Conflict("act-replayed", "this signed act was carried out before")
    tables.of(UsedNonce).insert(UsedNonce(act.nonce, acting.index))
    return act


def _keys_that_count(
    tables: Tables, act: SignedAct, acting: Acting, *, founding: bool
) -> set[bytes]:
    if tables.ledger == PLATFORM:
        account = tables.of(Account).get(acting.account)
        return {account.signing_key} if account and account.signing_key else set()
    if not founding:
        return {m.signing_key for m in acting.memberships if m.signing_key}
    # Nobody enrolled the founder: the entry names the key, and the worker's pins decide whether
    # the ledger that begins so is ever believed.
    try:
        return {strict64.decode(act.terms.get("signing_key", ""), signing.PUBLIC_SIZE)}
    except VerificationError as error:
        raise SignatureRequired("signature-by-other-key", "the terms name no key") from error


def _check_names(command: Command, act: SignedAct) -> None:
    objects, terms = SIGNED_NAMES.get(command.ACTION, (act.objects.keys(), act.terms.keys()))
    if (command.ledger, command.ACTION) == (PLATFORM, Action.MEMBER_GRANT):
        objects, terms = _PLATFORM_GRANT
    about = dict(command.objects())
    if act.objects.keys() != objects or not act.objects.items() <= about.items():
        raise SignatureRequired("signature-of-other-objects", "the signature is about other things")
    if act.terms.keys() != terms:
        raise SignatureRequired("signature-of-other-terms", "the signature is over other terms")


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
