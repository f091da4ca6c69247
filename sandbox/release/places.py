"""Whether marks lie in their items, asked once more by the worker before they leave.

`serve` checks each label when it is saved, by the item's own bytes. The worker does not take its
word: a box outside every picture, or a span in no text, is a number that somebody chose (R53).
The item is opened under the key that the vault made for it, so that no row can put another in its
place. Labels in the short form have no places and cost nothing here.
"""

from collections.abc import Mapping, Sequence

from crypto import chunked, padding
from crypto.canonical import decode
from crypto.errors import VerificationError
from sandbox.custody import translated
from sandbox.dataset_keys import issued_key_name
from sandbox.enclave import Enclave
from sandbox.errors import CustodyError, InputError, StateError
from sandbox.exchange import issued_context
from sandbox.formats.extents import Extent, extent_of
from sandbox.formats.label_schema import parse_schema
from sandbox.formats.label_value import check_value
from sandbox.records.labels import Project, ProjectItem
from sandbox.release.package import LABELS, LabelLine


def misplaced(
    enclave: Enclave,
    ledger: str,
    project: Project,
    items: Mapping[str, ProjectItem],
    lines: Sequence[LabelLine],
) -> tuple[str, ...]:
    """Findings on labels that their items have no place for; one code for the whole file."""
    try:
        schema = parse_schema(decode(project.schema))
    except (InputError, VerificationError):
        return ()  # the screening says so
    if schema.short:
        return ()
    for line in lines:
        try:
            extent = _extent(enclave, ledger, project, items[line.item])
        except (CustodyError, InputError, KeyError, StateError):
            return (f"item-unreadable/{LABELS}",)
        try:
            check_value(schema, line.value, extent)
        except InputError:
            return (f"mark-misplaced/{LABELS}",)
    return ()


def _extent(enclave: Enclave, ledger: str, project: Project, item: ProjectItem) -> Extent:
    key = enclave.vault.keys(ledger, project.dataset).key(issued_key_name(item.id))
    sealed = enclave.blobs.read(item.blob)
    with translated():
        padded = chunked.open_all(key, issued_context(project.id, item.id), sealed)
        return extent_of(item.kind, padding.unpad(padded))
