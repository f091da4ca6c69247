"""How `serve` opens what was issued to it: items, and what is said of them, under own keys."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from crypto import chunked, padding
from sandbox.custody import translated
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.formats.extents import Extent, extent_of
from sandbox.records.labels import ProjectItem
from sandbox.records.port import BlobStore
from sandbox.serving import Serving

MOST_EXTENTS = 10_000


class Extents:
    """How large the items lately labelled are: four numbers each; one lock guards them.

    An issued item never changes, so what was read once stays true. Its bytes are not kept.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Extent] = OrderedDict()

    def get(self, item: str) -> Extent | None:
        """The extent of an item, if it is known."""
        with self._lock:
            return self._known.get(item)

    def keep(self, item: str, extent: Extent) -> None:
        """Remember an extent; the oldest one goes when there are too many."""
        with self._lock:
            self._known[item] = extent
            while len(self._known) > MOST_EXTENTS:
                self._known.popitem(last=False)


@dataclass(frozen=True)
class IssuedKeys:
    """Opens issued items and records with what the worker sealed to `serve`."""

    serving: Serving
    blobs: BlobStore
    extents: Extents = field(default_factory=Extents)

    def record_key(self, item: str) -> bytes:
        """The key under which what is said of a project item is kept: its labels and reviews.

        Raises:
            NotFound: the worker has not given it, or it was taken back.
            VerificationFailed: it is not sealed to this side, or stood under another name.
        """
        return self.serving.key(record_name(item))

    def open_item(self, item: ProjectItem) -> bytes:
        """The de-identified file of an issued item.

        Raises:
            NotFound: its key or ciphertext is not here any more.
            VerificationFailed: it was altered, or stands in another item's place.
        """
        key = self.serving.key(item_name(item.id))
        data = self.blobs.read(item.blob)
        with translated():
            padded = chunked.open_all(key, issued_context(item.project, item.id), data)
            return padding.unpad(padded)

    def extent(self, item: ProjectItem) -> Extent:
        """The limits within which marks of the item can lie, by its own bytes.

        Raises:
            NotFound: its key or ciphertext is not here any more.
            Unacceptable: `frame-undecodable`: the image does not state its size.
            VerificationFailed: it was altered, or stands in another item's place.
        """
        known = self.extents.get(item.id)
        if known is None:
            known = extent_of(item.kind, self.open_item(item))
            self.extents.keep(item.id, known)
        return known
