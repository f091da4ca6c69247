"""The one tree of errors: a stable code, an HTTP status and an exit code each.

SandboxError
├── InputError              what came in is not acceptable         (422, exit 65)
│   ├── Malformed           it can't be parsed                     (400)
│   ├── Unacceptable        it parses and breaks a rule            (422)
│   ├── TooLarge            over a size limit                      (413)
│   └── DigestMismatch      bytes differ from what was promised    (422)
├── AccessError             who asks may not                       (exit 77)
│   ├── Unauthenticated     no valid session                       (401)
│   ├── Forbidden           ruled out by policy                    (403)
│   ├── SignatureRequired   the act lacks the person's signature   (403)
│   └── TooManyRequests     slow down                              (429)
├── StateError              right request, wrong moment            (exit 75)
│   ├── NotFound            unknown, or outside the actor's domain (404)
│   ├── Conflict            exists already or changed meanwhile    (409)
│   ├── StaleVersion        another version was saved              (409)
│   ├── IllegalTransition   the state machine has no such step     (409)
│   └── Gone                it was and is no more                  (410)
├── CustodyError            an object or key fails its check       (exit 76)
│   ├── VerificationFailed  a proof, signature or tag is wrong     (422)
│   └── KeyDestroyed        the key is gone, on purpose            (410)
└── Unavailable             the house can't act now                (503, exit 69)
    ├── LedgerUnavailable   the entry could not be made durable
    ├── OutcomeUnknown      the database went away during the commit
    ├── CheckpointPending   durable, not yet signed
    └── LedgerHalted        database and notary differ; evidence is kept

Codes are kebab-case and never reused. Most errors narrow their class's code by an argument:
`Unacceptable("schema-unknown-class", "...")`. Messages never hold patient data, keys or label
content: identifiers and digests only.
"""

from typing import ClassVar


class SandboxError(Exception):
    """Anything this house refuses; `code` is stable, the message is for people."""

    default_code: ClassVar[str] = "sandbox-error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70

    def __init__(
        self, code: str | None = None, message: str = "", *, field: str | None = None
    ) -> None:
        self.code = code or self.default_code
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        self.field = field
        super().__init__(f"{self.code}: {self.message}")


class InputError(SandboxError):
    """What came in is not acceptable."""

    default_code = "input-refused"
    status = 422
    exit_code = 65


class Malformed(InputError):
    """What came in can't be parsed."""

    default_code = "malformed"
    status = 400


class Unacceptable(InputError):
    """What came in parses and breaks a rule."""

    default_code = "unacceptable"


class TooLarge(InputError):
    """What came in is over a size limit."""

    default_code = "too-large"
    status = 413


class DigestMismatch(InputError):
    """The bytes differ from what was promised."""

    default_code = "digest-mismatch"


class AccessError(SandboxError):
    """Who asks may not."""

    default_code = "access-refused"
    status = 403
    exit_code = 77


class Unauthenticated(AccessError):
    """There is no valid session."""

    default_code = "unauthenticated"
    status = 401


class Forbidden(AccessError):
    """Policy does not allow this."""

    default_code = "forbidden"


class SignatureRequired(AccessError):
    """The act needs the person's own signature, and has none that counts."""

    default_code = "signature-required"


class TooManyRequests(AccessError):
    """Too many requests; wait before the next."""

    default_code = "too-many-requests"
    status = 429


class StateError(SandboxError):
    """The request is right and the moment is wrong."""

    default_code = "wrong-state"
    status = 409
    exit_code = 75


class NotFound(StateError):
    """There is no such object in your domain."""

    default_code = "not-found"
    status = 404


class Conflict(StateError):
    """It exists already or changed meanwhile."""

    default_code = "conflict"


class StaleVersion(StateError):
    """Another version was saved meanwhile."""

    default_code = "stale-version"


class IllegalTransition(StateError):
    """The state machine has no such step."""

    default_code = "illegal-transition"


class Gone(StateError):
    """It was and is no more."""

    default_code = "gone"
    status = 410


class CustodyError(SandboxError):
    """An object or key fails its check."""

    default_code = "custody-broken"
    status = 422
    exit_code = 76


class VerificationFailed(CustodyError):
    """A proof, signature or authentication tag is wrong."""

    default_code = "verification-failed"


class KeyDestroyed(CustodyError):
    """The key was destroyed on purpose."""

    default_code = "key-destroyed"
    status = 410


class Unavailable(SandboxError):
    """The house can't act now; nothing was done."""

    default_code = "unavailable"
    status = 503
    exit_code = 69


class LedgerUnavailable(Unavailable):
    """The entry could not be made durable, so nothing was done."""

    default_code = "ledger-unavailable"


class OutcomeUnknown(Unavailable):
    """Whether the act was done is not known yet; the same idempotency key will tell."""

    default_code = "outcome-unknown"


class CheckpointPending(Unavailable):
    """The act is durable and not yet signed; the same idempotency key will return its receipt."""

    default_code = "checkpoint-pending"


class LedgerHalted(Unavailable):
    """Database and notary differ; the ledger stands still and the evidence is kept."""

    default_code = "ledger-halted"
