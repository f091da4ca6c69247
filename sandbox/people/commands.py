"""What can be asked of `people`.

Secrets come in here only as what is kept of them: PHC strings, digests, sealed seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from policies.vocabulary import Action, Role
from sandbox.acts import PLATFORM, PLATFORM_DOMAIN, Command


@dataclass(frozen=True, kw_only=True)
class PlatformCommand(Command):
    """An act in the platform's own ledger."""

    ledger: str = PLATFORM
    domain: str = PLATFORM_DOMAIN


@dataclass(frozen=True, kw_only=True)
class AccountCommand(PlatformCommand):
    """An act on one account."""

    account: str

    def objects(self) -> Mapping[str, str]:
        """The account."""
        return {"account": self.account}


@dataclass(frozen=True)
class SecondFactor:
    """What is kept of a second factor: the sealed seed and the digests of the recovery codes."""

    totp_sealed: bytes
    recovery_hashes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FoundPlatform(AccountCommand):
    """Entry 0 of the platform's ledger: its first account, operator and policy admin."""

    ACTION: ClassVar[Action] = Action.LEDGER_OPEN

    name: str
    password: str
    factor: SecondFactor
    memberships: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class CreateAccount(AccountCommand):
    """A new account: a person with an invitation, or a service with its public key."""

    ACTION: ClassVar[Action] = Action.ACCOUNT_CREATE

    account: str = field(compare=False)  # made by the house, not asked for
    name: str
    kind: str
    organisation: str
    invitation_hash: str | None = field(default=None, compare=False)
    signing_key: bytes | None = None
    purposes: tuple[str, ...] = ()  # of a service: what it may work for


@dataclass(frozen=True, kw_only=True)
class EnrolFactor(AccountCommand):
    """An invited person sets a password and a second factor, or replaces an unconfirmed one."""

    ACTION: ClassVar[Action] = Action.ACCOUNT_ACTIVATE

    password: str
    factor: SecondFactor


@dataclass(frozen=True, kw_only=True)
class ConfirmFactor(AccountCommand):
    """The second factor works: the account is active and its first session open."""

    ACTION: ClassVar[Action] = Action.ACCOUNT_ACTIVATE

    step: int
    session: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class OpenSession(AccountCommand):
    """A login that was checked: by a code's step, a recovery code, or a service's nonce."""

    ACTION: ClassVar[Action] = Action.SESSION_OPEN

    session: str
    purpose: str
    step: int | None = None
    recovery_hash: str | None = None
    nonce: str | None = None


@dataclass(frozen=True, kw_only=True)
class CloseSession(AccountCommand):
    """A logout."""

    ACTION: ClassVar[Action] = Action.SESSION_CLOSE

    session: str


@dataclass(frozen=True, kw_only=True)
class RefuseLogin(AccountCommand):
    """Failed logins of one account since the last such entry."""

    ACTION: ClassVar[Action] = Action.LOGIN_REFUSED

    failures: int
    not_before: datetime


@dataclass(frozen=True, kw_only=True)
class RemoveAccount(AccountCommand):
    """The account is gone, and with it every session of it."""

    ACTION: ClassVar[Action] = Action.ACCOUNT_REMOVE


@dataclass(frozen=True, kw_only=True)
class EnrolKey(AccountCommand):
    """A person's public keys, made at their own client; `sealing_key` may be missing."""

    ACTION: ClassVar[Action] = Action.ACCOUNT_ENROL_KEY

    signing_key: bytes
    sealing_key: bytes | None


@dataclass(frozen=True, kw_only=True)
class OpenHospital(PlatformCommand):
    """A hospital joins: its ledger comes to be, and its steward is named."""

    ACTION: ClassVar[Action] = Action.HOSPITAL_OPEN

    hospital: str = field(compare=False)  # made by the house, not asked for
    name: str
    steward: str

    def objects(self) -> Mapping[str, str]:
        """The hospital and its steward's account."""
        return {"hospital": self.hospital, "steward": self.steward}


@dataclass(frozen=True)
class PolicyChange:
    """What a change of policy comes to, as it was worked out from the rows.

    `table`, `base`, `diff` and `proof` are digests; `paths` is how many steps the proof tried, and
    `broken` names the floors that the change breaks.
    """

    document: bytes
    table: str
    base: str
    diff: str
    proof: str
    paths: int
    broken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AdoptPolicy(PlatformCommand):
    """The policy that ships with the program becomes the first one, by name of its table."""

    ACTION: ClassVar[Action] = Action.POLICY_ADOPT

    policy: str
    version: str = field(compare=False)  # the row's id, made by the house
    change: PolicyChange = field(compare=False)  # known to the house, not asked for


@dataclass(frozen=True, kw_only=True)
class PolicyCommand(PlatformCommand):
    """An act on one proposal; `policy` is its id."""

    policy: str

    def objects(self) -> Mapping[str, str]:
        """The proposal."""
        return {"policy": self.policy}


@dataclass(frozen=True, kw_only=True)
class ProposePolicy(PolicyCommand):
    """A policy admin proposes a change, by signature."""

    ACTION: ClassVar[Action] = Action.POLICY_PROPOSE

    change: PolicyChange


@dataclass(frozen=True, kw_only=True)
class ApprovePolicy(PolicyCommand):
    """Another policy admin puts the change in force, by signature."""

    ACTION: ClassVar[Action] = Action.POLICY_APPROVE

    change: PolicyChange = field(compare=False)  # worked out anew


@dataclass(frozen=True, kw_only=True)
class RejectPolicy(PolicyCommand):
    """A policy admin turns the change down, by signature."""

    ACTION: ClassVar[Action] = Action.POLICY_REJECT


@dataclass(frozen=True, kw_only=True)
class OpenLedger(Command):
    """Entry 0 of a hospital's ledger: its steward, the one member without a grantor."""

    ACTION: ClassVar[Action] = Action.LEDGER_OPEN

    account: str
    member: str
    signing_key: bytes
    sealing_key: bytes | None

    def objects(self) -> Mapping[str, str]:
        """The steward's pseudonym."""
        return {"member": self.member}


@dataclass(frozen=True, kw_only=True)
class GrantMembership(Command):
    """A steward gives an account a role; `member` is its pseudonym in this ledger.

    `platform_roles` are those that the account holds in the platform's ledger, as whoever builds
    the command found them there: some duties are kept apart in the whole house.
    """

    ACTION: ClassVar[Action] = Action.MEMBER_GRANT

    account: str
    member: str
    membership: str
    role: Role
    granted_domain: str
    organisation: str
    signing_key: bytes | None
    sealing_key: bytes | None
    expires_at: datetime | None
    platform_roles: tuple[Role, ...] = ()

    def objects(self) -> Mapping[str, str]:
        """The member and the membership; on the platform, which knows accounts, the account too."""
        named = {"member": self.member, "membership": self.membership}
        return {"account": self.account, **named} if self.ledger == PLATFORM else named


@dataclass(frozen=True, kw_only=True)
class RevokeMembership(Command):
    """A steward takes a role away."""

    ACTION: ClassVar[Action] = Action.MEMBER_REVOKE

    membership: str

    def objects(self) -> Mapping[str, str]:
        """The membership."""
        return {"membership": self.membership}


@dataclass(frozen=True, kw_only=True)
class IssuePermit(Command):
    """A steward permits a project on a dataset, for a window of time."""

    ACTION: ClassVar[Action] = Action.PERMIT_ISSUE

    project: str
    dataset: str
    valid_from: datetime
    valid_until: datetime

    def objects(self) -> Mapping[str, str]:
        """The project and its dataset."""
        return {"dataset": self.dataset, "project": self.project}


@dataclass(frozen=True, kw_only=True)
class RevokePermit(Command):
    """A steward ends a project's permit."""

    ACTION: ClassVar[Action] = Action.PERMIT_REVOKE

    project: str

    def objects(self) -> Mapping[str, str]:
        """The project."""
        return {"project": self.project}


@dataclass(frozen=True)
class Trainee:
    """Who passed a course; the organisation is the account's, as the platform knows it."""

    account: str
    member: str
    organisation: str


@dataclass(frozen=True, kw_only=True)
class RecordTraining(Command):
    """Somebody tells that others passed a course."""

    ACTION: ClassVar[Action] = Action.TRAINING_RECORD

    training: str
    course: str
    people: tuple[Trainee, ...]
    passed_at: datetime
    expires_at: datetime

    def objects(self) -> Mapping[str, str]:
        """The record; whom it is about, its signed terms say."""
        return {"training": self.training}


@dataclass(frozen=True, kw_only=True)
class RequireWitnesses(Command):
    """A steward says by which policy witnesses must vouch for what leaves from now on."""

    ACTION: ClassVar[Action] = Action.WITNESS_REQUIRE

    policy: str
    known: bool = field(default=True, compare=False)  # whether the operator configured such a one

    def objects(self) -> Mapping[str, str]:
        """Nothing beside the ledger itself."""
        return {}


@dataclass(frozen=True, kw_only=True)
class ReadLog(Command):
    """A member reads entries of a ledger; one entry covers one session's reading for an hour."""

    ACTION: ClassVar[Action] = Action.LOG_READ

    def objects(self) -> Mapping[str, str]:
        """Nothing beside the ledger itself."""
        return {}
