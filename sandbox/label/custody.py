"""How `serve` opens what was issued to it: items under own keys, records under a project's."""

from dataclasses import dataclass

from crypto import chunked
from sandbox.custody import translated
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.records.labels import ProjectItem
from sandbox.records.port import BlobStore
from sandbox.serving import Serving


@dataclass(frozen=True)
class IssuedKeys:
    """Opens issued items and records with what the worker sealed to `serve`."""

    serving: Serving
    blobs: BlobStore

    def record_key(self, project: str) -> bytes:
        """The key under which a project's labels are kept.

        Raises:
            NotFound: the worker has not given it, or it was taken back.
            VerificationFailed: it is not sealed to this side, or stood under another name.
        """
        return self.serving.key(record_name(project))

    def open_item(self, item: ProjectItem) -> bytes:
        """The de-identified file of an issued item.

        Raises:
            NotFound: its key or ciphertext is not here any more.
            VerificationFailed: it was altered, or stands in another item's place.
        """
        key = self.serving.key(item_name(item.id))
        data = self.blobs.read(item.blob)
        with translated():
            return chunked.open_all(key, issued_context(item.project, item.id), data)
