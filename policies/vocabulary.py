"""The words of the house: actions, roles, grades, purposes and states.

Every other room takes its words from here; the strings are what stands in the log, in the
policy files and in the API. A string is never reused for another meaning.
"""

from enum import IntEnum, StrEnum, unique


@unique
class Action(StrEnum):
    """What can be done, `<scope>.<verb>`; each is one kind of entry in a ledger."""

    ACCOUNT_CREATE = "account.create"
    ACCOUNT_ACTIVATE = "account.activate"
    ACCOUNT_REMOVE = "account.remove"
    ACCOUNT_ENROL_KEY = "account.enrol-key"
    AGREEMENT_READ = "agreement.read"
    APPROVAL_OPEN = "approval.open"
    APPROVAL_SAMPLE = "approval.sample"
    APPROVAL_SIGN = "approval.sign"
    APPROVAL_VIEW = "approval.view"
    DATASET_CREATE = "dataset.create"
    DATASET_OPEN_INTAKE = "dataset.open-intake"
    DATASET_RESUME = "dataset.resume"
    DATASET_SUSPEND = "dataset.suspend"
    DEPOSIT_ABANDON = "deposit.abandon"
    DEPOSIT_COMPLETE = "deposit.complete"
    DEPOSIT_OPEN = "deposit.open"
    ERASURE_BEGIN = "erasure.begin"
    ERASURE_COMPLETE = "erasure.complete"
    ERASURE_ORDER = "erasure.order"
    EVIDENCE_EXPORT = "evidence.export"
    HOLD_LIFT = "hold.lift"
    HOLD_PLACE = "hold.place"
    HOSPITAL_OPEN = "hospital.open"
    ITEM_CLEAN = "item.clean"
    ITEM_ISSUE = "item.issue"
    ITEM_REQUEUE = "item.requeue"
    KEY_ROTATE = "key.rotate"
    LABEL_SUBMIT = "label.submit"
    LEASE_CLOSE = "lease.close"
    LEDGER_OPEN = "ledger.open"
    LOG_READ = "log.read"
    LOGIN_REFUSED = "login.refused"
    MEMBER_GRANT = "member.grant"
    MEMBER_REVOKE = "member.revoke"
    PERMIT_ISSUE = "permit.issue"
    PERMIT_REVOKE = "permit.revoke"
    POLICY_ADOPT = "policy.adopt"
    POLICY_APPROVE = "policy.approve"
    POLICY_PROPOSE = "policy.propose"
    POLICY_REJECT = "policy.reject"
    PROJECT_CREATE = "project.create"
    RELEASE_DOWNLOAD = "release.download"
    RELEASE_INSPECT = "release.inspect"
    RELEASE_RECALL = "release.recall"
    RELEASE_REQUEST = "release.request"
    RELEASE_SCREEN = "release.screen"
    RELEASE_SEAL = "release.seal"
    RELEASE_VOTE = "release.vote"
    RELEASE_WITHDRAW = "release.withdraw"
    REVIEW_OPEN = "review.open"
    REVIEW_SUBMIT = "review.submit"
    SESSION_CLOSE = "session.close"
    SESSION_OPEN = "session.open"
    SUBJECT_REPORT = "subject.report"
    TASK_OPEN = "task.open"
    TASK_REOPEN = "task.reopen"
    TRAINING_RECORD = "training.record"
    WITNESS_REQUIRE = "witness.require"


SIGNED_ACTIONS = frozenset(
    {
        Action.APPROVAL_OPEN,
        Action.APPROVAL_SIGN,
        Action.DEPOSIT_OPEN,
        Action.ERASURE_BEGIN,
        Action.ERASURE_COMPLETE,
        Action.ERASURE_ORDER,
        Action.HOLD_LIFT,
        Action.HOLD_PLACE,
        Action.KEY_ROTATE,
        Action.LEDGER_OPEN,
        Action.MEMBER_GRANT,
        Action.MEMBER_REVOKE,
        Action.PERMIT_ISSUE,
        Action.PERMIT_REVOKE,
        Action.POLICY_APPROVE,
        Action.POLICY_PROPOSE,
        Action.POLICY_REJECT,
        Action.RELEASE_VOTE,
        Action.TRAINING_RECORD,
        Action.WITNESS_REQUIRE,
    }
)
"""Acts that count only with the person's own signature (in hospital ledgers)."""


SIGNED_ON_PLATFORM = frozenset(
    {
        Action.MEMBER_GRANT,
        Action.POLICY_APPROVE,
        Action.POLICY_PROPOSE,
        Action.POLICY_REJECT,
    }
)
"""Those of them that count in the platform's ledger only with a signature, by an enrolled key."""


@unique
class Role(StrEnum):
    """What a person or process may be, within one domain."""

    DEID_OFFICER = "deid-officer"
    DEPOSITOR = "depositor"
    INSPECTOR = "inspector"
    LABEL_ADMIN = "label-admin"
    LABELLER = "labeller"
    OPERATOR = "operator"
    OUTPUT_CHECKER = "output-checker"
    POLICY_ADMIN = "policy-admin"
    PRIVACY_OFFICER = "privacy-officer"
    PROJECT_LEAD = "project-lead"
    RECIPIENT = "recipient"
    REGULATOR = "regulator"
    REVIEWER = "reviewer"
    SECURITY_AUDITOR = "security-auditor"
    STEWARD = "steward"
    WORKER = "worker"


@unique
class DomainKind(StrEnum):
    """Where a role counts: the platform, one hospital's ledger, or one project in it."""

    PLATFORM = "platform"
    HOSPITAL = "hospital"
    PROJECT = "project"


class Grade(IntEnum):
    """Sensitivity of health data, 1 (lowest) to 5 (never leaves)."""

    G1 = 1
    G2 = 2
    G3 = 3
    G4 = 4
    G5 = 5


@unique
class Category(StrEnum):
    """General, important or core data, the second axis of grading."""

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


@unique
class Purpose(StrEnum):
    """Why data is processed; a contract names one."""

    CARE_QUALITY = "care-quality"
    MODEL_TRAINING = "model-training"
    PUBLIC_HEALTH = "public-health"
    RESEARCH = "research"


@unique
class LegalBasis(StrEnum):
    """On what ground the hospital processes personal data."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal-duty"
    PUBLIC_INTEREST = "public-interest"


@unique
class DatasetState(StrEnum):
    """States of a dataset."""

    DRAFT = "DRAFT"
    RECEIVING = "RECEIVING"
    CLEANING = "CLEANING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    READY = "READY"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"
    ERASED = "ERASED"


@unique
class ItemState(StrEnum):
    """States of a deposited item and of a project's item."""

    SEALED = "SEALED"
    CLEANED = "CLEANED"
    HELD = "HELD"
    QUARANTINED = "QUARANTINED"
    APPROVED = "APPROVED"
    ISSUED = "ISSUED"
    RECALLED = "RECALLED"
    ERASED = "ERASED"


@unique
class TaskState(StrEnum):
    """States of a labelling task."""

    OPEN = "OPEN"
    LEASED = "LEASED"
    SUBMITTED = "SUBMITTED"
    IN_REVIEW = "IN_REVIEW"
    RETURNED = "RETURNED"
    ADJUDICATION = "ADJUDICATION"
    SET_ASIDE = "SET_ASIDE"
    ACCEPTED = "ACCEPTED"
    LOCKED = "LOCKED"
    CANCELLED = "CANCELLED"


@unique
class ErasureState(StrEnum):
    """States of an erasure; only the last one is a certificate's."""

    ORDERED = "ORDERED"
    BEGUN = "BEGUN"
    ERASED = "ERASED"
    FINAL = "FINAL"


@unique
class ReleaseState(StrEnum):
    """States of a request for a derived output to leave."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    SCREENING = "SCREENING"
    BLOCKED = "BLOCKED"
    INDEPENDENT_REVIEW = "INDEPENDENT_REVIEW"
    CONSOLIDATION = "CONSOLIDATION"
    RETURNED = "RETURNED"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"
    SEALING = "SEALING"
    RELEASED = "RELEASED"
    RECALLED = "RECALLED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    FAILED = "FAILED"
