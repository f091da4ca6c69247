"""The tables of the first day."""

from typing import Final

from sandbox.storage.migrations import steps
from sandbox.storage.rows import LedgerKind
from sandbox.storage.schema import TableForm, columns_of

revision: Final = "0001"
down_revision: Final = None

STEPS: Final = (
    steps.MakeLog(),
    steps.MakeTable(
        TableForm(
            "membership",
            columns_of(
                "id text, account text, pseudonym text, organisation text, role text, domain "
                "text, signing_key octets null, sealing_key octets null, granted_index number, "
                "granted_at text, expires_at text null, revoked_at text null"
            ),
            indexed=("account", "pseudonym"),
        ),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.MakeTable(
        TableForm("pseudonym", columns_of("id text, pseudonym text"), unique=(("pseudonym",),)),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.MakeTable(
        TableForm("used_nonce", columns_of("id text, index number")),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.MakeTable(
        TableForm("acknowledged", columns_of("id text, command text, index number, reply octets")),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.MakeTable(
        TableForm("epoch", columns_of("id text, value number")),
        (LedgerKind.HOSPITAL, LedgerKind.PLATFORM),
    ),
    steps.MakeTable(
        TableForm(
            "account",
            columns_of(
                "id text, name text, kind text, organisation text, state text, password text "
                "null, totp_sealed octets null, totp_step number, recovery_hashes text, "
                "invitation_hash text null, signing_key octets null, sealing_key octets null, "
                "created_at text, epoch number"
            ),
            unique=(("name",),),
        ),
        (LedgerKind.PLATFORM,),
    ),
    steps.MakeTable(
        TableForm(
            "session",
            columns_of(
                "id text, account text, purpose text, opened_at text, seen_at text, ended_at text"
                " null"
            ),
            indexed=("account",),
        ),
        (LedgerKind.PLATFORM,),
    ),
    steps.MakeTable(
        TableForm(
            "login_delay",
            columns_of("id text, failures number, not_before text, reported_at text null"),
        ),
        (LedgerKind.PLATFORM,),
    ),
    steps.MakeTable(
        TableForm("hospital", columns_of("id text, name text, steward text, opened_at text")),
        (LedgerKind.PLATFORM,),
    ),
    steps.MakeTable(
        TableForm(
            "dataset",
            columns_of(
                "id text, title text, owner text, contract text, contract_expires_at text, "
                "ethics_approval text, ethics_expires_at text, legal_basis text, purpose text, "
                "retain_until text, category text, grade number, recipe text, state text, "
                "created_at text"
            ),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "intake_key",
            columns_of(
                "id text, dataset text, public_key octets, identity_key octets, signature octets,"
                " created_at text"
            ),
            indexed=("dataset",),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "deposit",
            columns_of(
                "id text, dataset text, intake_key text, manifest octets, manifest_digest text, "
                "inner_blob text, depositor text, state text, objects number, opened_at text, "
                "opened_index number"
            ),
            unique=(("dataset", "manifest_digest"),),
            indexed=("dataset", "state"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "item",
            columns_of(
                "id text, dataset text, deposit text, object_id text, source_blob text, "
                "size_bytes number, state text, kind text, reason text null, subject text null, "
                "blob text null, record_blob text null, master_commitment text null, "
                "record_commitment text null, recipe_digest text null, cleaned_index number null,"
                " approval text null, version number"
            ),
            indexed=("dataset", "state", "deposit", "subject"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "approval",
            columns_of(
                "id text, dataset text, officer text, session_key octets, state text, batch text,"
                " batch_digest text null, samples text, opened_index number, signed_index number "
                "null"
            ),
            indexed=("dataset", "state"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "project",
            columns_of(
                "id text, dataset text, title text, firm text, guideline octets, guideline_digest"
                " text, schema octets, schema_digest text, lease_s number, created_at text"
            ),
            unique=(("dataset",),),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "project_item",
            columns_of(
                "id text, project text, source_item text, subject text, kind text, modality text,"
                " frames number, blob text, commitment text, state text, issued_index number"
            ),
            unique=(("project", "source_item"),),
            indexed=("project", "state"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "task",
            columns_of(
                "id text, project text, item text, state text, labeller text null, reviewer text "
                "null, lease text null, label text null, version number"
            ),
            unique=(("item",),),
            indexed=("project", "state", "labeller"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "lease",
            columns_of(
                "id text, task text, project text, item text, account text, work text, opened_at "
                "text, expires_at text, ended_at text null, shown text, opened_index number"
            ),
            indexed=("account", "ended_at", "task"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "label",
            columns_of(
                "id text, task text, project text, item text, version number, author text, sealed"
                " octets, commitment text, shown_commitment text, made_by text, index number, "
                "saved_at text"
            ),
            unique=(("task", "version"),),
            indexed=("task", "project"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "review",
            columns_of(
                "id text, task text, project text, label text, reviewer text, verdict text, "
                "sealed octets, commitment text, index number, saved_at text"
            ),
            indexed=("task", "label"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "release",
            columns_of(
                "id text, project text, dataset text, requester text, recipient text, context "
                "text, control_statement text, grade number, state text, findings text, "
                "package_blob text null, package_digest text null, statement octets null, "
                "sealed_blob text null, passport octets null, requested_index number, "
                "screened_index number null, recall_reason text null, requested_at text"
            ),
            indexed=("project", "state", "dataset"),
        ),
        (LedgerKind.HOSPITAL,),
    ),
    steps.MakeTable(
        TableForm(
            "vote",
            columns_of(
                "id text, release text, account text, pseudonym text, organisation text, role "
                "text, verdict text, package_digest text, envelope_signature octets null, index "
                "number, cast_at text"
            ),
            unique=(("release", "account", "package_digest"),),
            indexed=("release",),
        ),
        (LedgerKind.HOSPITAL,),
    ),
)


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
