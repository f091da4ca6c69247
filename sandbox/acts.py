"""The forms in which acts come to the gate and leave it.

- `Command`: what is asked, a frozen dataclass per act.
- `Handler`: a room's two functions for one command type, `facts` and `act`; neither does I/O
  beyond `tables`, hashes a password or opens a seal.
- `Outcome`: what was done, as it will stand in the entry: ids, counts, digests of ciphertext,
  salted commitments; never content. `reply` goes to the caller and into the idempotency record,
  and holds ids and numbers only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

from policies.ruling import Facts, Ruling
from policies.vocabulary import Action, Role
from sandbox.records.people import Membership
from sandbox.records.port import Tables

PLATFORM = "platform"
HOSPITAL_DOMAIN = "hospital"
PLATFORM_DOMAIN = "platform"


def project_domain(project: str) -> str:
    """The domain of a project's roles, `project:<id>`."""
    return f"project:{project}"


@dataclass(frozen=True)
class Actor:
    """Who is at the door, as authentication found: an account and its session.

    A person acts for the `purpose` that their session declared, a service for each of the
    `purposes` that it is enrolled for.
    """

    account: str
    session: str | None = None
    purpose: str | None = None
    purposes: tuple[str, ...] = ()

    def declared(self, contract: str) -> str:
        """The purpose it acts for on data whose contract names the purpose `contract`."""
        return contract if contract in self.purposes else self.purpose or ""


@dataclass(frozen=True)
class Acting:
    """The actor inside a unit: resolved roles, ledger pseudonym, time and the entry's index."""

    account: str
    pseudonym: str
    memberships: tuple[Membership, ...]
    now: datetime
    index: int

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles that count for this command, sorted and without doubles."""
        return tuple(sorted({m.role for m in self.memberships}))


@dataclass(frozen=True)
class SignedAct:
    r"""A person's Ed25519 signature over an act.

    Signed bytes: b"anbiao-act-v1\n" + RFC 8785 of
    `{"action", "ledger", "nonce", "objects", "terms"}`; `nonce` is 32 hex digits, used once in a
    ledger; `terms` are public values (keys, roles, digests, verdicts), strings to strings.
    """

    public_key: bytes
    signature: bytes
    nonce: str
    objects: Mapping[str, str]
    terms: Mapping[str, str]


@dataclass(frozen=True)
class Commitment:
    """A salted commitment to something kept outside the log: its name and its 32 bytes."""

    what: str
    value: bytes


@dataclass(frozen=True)
class Effects:
    """What must follow an act once it is durable: another ledger to open, caches to drop."""

    open_ledger: str | None = None
    membership_changed: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an act did."""

    objects: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    commitments: Sequence[Commitment] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, int] | None = None
    reply: Mapping[str, object] = field(default_factory=dict)
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True, kw_only=True)
class Command:
    """An act that is asked for. Subclasses add fields and name their `ACTION`."""

    ACTION: ClassVar[Action]

    ledger: str
    domain: str = HOSPITAL_DOMAIN
    request_key: str | None = None
    signed: SignedAct | None = None

    def objects(self) -> Mapping[str, str]:
        """Ids of what the act is about, by kind, as they stand in the entry."""
        return {}


C_contra = TypeVar("C_contra", bound=Command, contravariant=True)


class Handler(Protocol[C_contra]):
    """A room's part in one act."""

    def facts(self, tables: Tables, command: C_contra, acting: Acting) -> Facts:
        """What policy may rest its ruling on; `acting` is for facts such as `own` and `self`."""
        ...

    def act(self, tables: Tables, command: C_contra, acting: Acting) -> Outcome:
        """Change the rows and say what was done; undone as a whole when it raises."""
        ...


class DecisionPoint(Protocol):
    """Where policy is asked; `policies.decision` has the one that serves."""

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the decision table in force."""
        ...

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        """Rule on an act by someone who holds `roles` in `domain`."""
        ...


@dataclass(frozen=True)
class Receipt:
    """Proof that an act is in the log: exact entry, tlog-proof text, and the room's reply."""

    ledger: str
    index: int
    entry: bytes
    proof: str
    reply: Mapping[str, object]
