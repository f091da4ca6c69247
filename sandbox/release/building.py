"""The worker builds a package from accepted labels and looks through it.

Per accepted label of the verified log:
1. the row's sealed record opens to a text and a salt whose commitment is the log's own;
2. the text is of this project, item and version.
Then the package is built, read back and scanned (`screening.py`), its marks are held against
their items (`places.py`), and its statement is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crypto.commitments import check
from sandbox.acts import project_domain
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys, package_key_name, record_key_name
from sandbox.enclave import Enclave
from sandbox.errors import KeyDestroyed, NotFound, VerificationFailed
from sandbox.exchange import release_name
from sandbox.records.labels import Label, Project, ProjectItem
from sandbox.records.releases import Release
from sandbox.records.sealed_labels import LabelPayload, open_label
from sandbox.release import lineage
from sandbox.release.commands import ScreenRelease
from sandbox.release.custody import seal_for_inspection
from sandbox.release.package import Controls, LabelLine, build, digest, pack
from sandbox.release.places import misplaced
from sandbox.release.requests import request_digest
from sandbox.release.screening import Scan, screen
from sandbox.release.statement import Subject, digest_of, statement


@dataclass(frozen=True)
class _Rows:
    """What a package is built from, read in one snapshot."""

    release: Release
    project: Project
    labels: dict[str, Label]
    items: dict[str, ProjectItem]


@dataclass(frozen=True)
class Builder:
    """Builds and screens packages."""

    enclave: Enclave
    scan: Scan

    def screen(self, ledger: str, release: str) -> None:
        """Build the package of a release and say at the gate what was found.

        Raises:
            CustodyError: a label's record fails its check against the log.
            AccessError: policy refuses.
            StateError: the release moved on meanwhile.
            Unavailable: a store or the notary can't act now.
        """
        entries = self.enclave.history(ledger).entries()
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            asked = tables.of(Release).require(release).requested_index
        lineage.refuse_early(entries, asked)
        request = lineage.request_in(entries, release)
        rows = self._rows(ledger, release, request.project)
        lines = self._lines(ledger, rows, entries)
        grading = lineage.grading_in(entries, rows.project.dataset)
        controls = _controls(rows, request, grading)
        files = build(lines, rows.project.guideline, rows.project.schema, controls)
        findings = (
            *self._differences(rows, request, entries),
            *screen(files, self.scan),
            *misplaced(self.enclave, ledger, rows.project, rows.items, lines),
        )
        if findings:
            self._perform(ledger, rows, findings, len(lines))
            return
        subject = Subject(
            ledger=ledger,
            release=release,
            project=rows.project.id,
            dataset=rows.project.dataset,
            recipient=request.recipient,
            grade=grading.grade,
            category=grading.category,
            witness=lineage.witnesses_in(entries, request.index),
        )
        blob = self._keep(ledger, rows, request.index, pack(files))
        self._perform(
            ledger,
            rows,
            (),
            len(lines),
            (blob, digest(files), statement(subject, files, len(lines))),
        )

    def _rows(self, ledger: str, release: str, project: str) -> _Rows:
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            row = tables.of(Release).require(release)
            if row.project != project:
                raise NotFound
            labels = {label.id: label for label in tables.of(Label).find(project=project)}
            items = {item.id: item for item in tables.of(ProjectItem).find(project=project)}
            return _Rows(row, tables.of(Project).require(project), labels, items)

    def _lines(self, ledger: str, rows: _Rows, entries: Sequence[lineage.Entry]) -> list[LabelLine]:
        known = lineage.accepted(entries, rows.project.id)
        if not known:
            return []
        keys = self.enclave.vault.keys(ledger, rows.project.dataset)
        found = [(_record_key(keys, label.item), label) for label in known.values()]
        return [_line(key, rows, label) for key, label in found if key is not None]

    def _differences(
        self, rows: _Rows, request: lineage.Request, entries: Sequence[lineage.Entry]
    ) -> tuple[str, ...]:
        """Where rows differ from the log: the request's texts, the project's documents."""
        said = request_digest(rows.release.context, rows.release.control_statement)
        documents = lineage.documents_in(entries, rows.project.id)
        own = (digest_of(rows.project.guideline), digest_of(rows.project.schema))
        found = []
        if said != request.digest:
            found.append("request-differs-from-log")
        if documents != own:
            found.append("project-differs-from-log")
        return tuple(found)

    def _keep(self, ledger: str, rows: _Rows, request_index: int, data: bytes) -> str:
        release = rows.release.id
        keys = self.enclave.vault.keys(ledger, rows.project.dataset)
        key = keys.made(package_key_name(release, request_index))
        name = release_name(release)
        # Key before act: a voter never sees a package that `serve` can't open.
        self.enclave.exchange.put(name, self.enclave.vault.seal_for_serve(name, key))
        return self.enclave.blobs.put(seal_for_inspection(key, ledger, release, data))

    def _perform(
        self,
        ledger: str,
        rows: _Rows,
        findings: tuple[str, ...],
        labels: int,
        made: tuple[str, str, bytes] | None = None,
    ) -> None:
        blob, package, said = made or (None, None, None)
        self.enclave.gate.perform(
            self.enclave.actor,
            ScreenRelease(
                ledger=ledger,
                domain=project_domain(rows.project.id),
                project=rows.project.id,
                release=rows.release.id,
                findings=findings,
                labels=labels,
                package_blob=blob,
                package_digest=package,
                statement=said,
            ),
        )


def _record_key(keys: DatasetKeys, item: str) -> bytes | None:
    """The key of what was said of an item; None once its subject was erased.

    The vault says so, whatever a row does.
    """
    try:
        return keys.key(record_key_name(item))
    except KeyDestroyed:
        return None


def _line(key: bytes, rows: _Rows, known: lineage.AcceptedLabel) -> LabelLine:
    label = rows.labels.get(known.label)
    if label is None:
        raise VerificationFailed("label-missing", "a label that the log knows has no row")
    secret = open_label(key, rows.project.id, label.id, label.sealed)
    with translated():
        check(bytes.fromhex(known.commitment), secret.label.salt, secret.label.text)
    payload = LabelPayload.decoded(secret.label.text)
    if (payload.project, payload.item, payload.version) != (
        rows.project.id,
        known.item,
        known.version,
    ):
        raise VerificationFailed("label-misplaced", "a label is of another item or version")
    return LabelLine(payload.item, payload.version, payload.value, secret.label.salt, known.index)


def _controls(rows: _Rows, request: lineage.Request, grading: lineage.Grading) -> Controls:
    """What the package itself says of where it comes from and under what control it leaves."""
    return Controls(
        release=rows.release.id,
        request=request.index,
        project=rows.project.id,
        dataset=rows.project.dataset,
        context=rows.release.context,
        control_statement=rows.release.control_statement,
        grade=grading.grade,
        category=grading.category,
    )
