"""What `clean` does for an erasure: who is meant, and a deposit's inner part without them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from sandbox.clean.inner_parts import adopt_inner, prepare_inner
from sandbox.clean.opening import Opener
from sandbox.dataset_keys import DatasetKeys
from sandbox.deid.forms import Register
from sandbox.deid.subjects import identity
from sandbox.enclave import Enclave
from sandbox.errors import CustodyError, InputError, KeyDestroyed
from sandbox.exchange import header_name
from sandbox.manifests import InnerManifest
from sandbox.records.deposits import Deposit, Item

COMPLETE: Final = "COMPLETE"


@dataclass(frozen=True)
class Parting:
    """Knows a dataset's deposits from inside."""

    enclave: Enclave
    opener: Opener

    def subjects(self, ledger: str, dataset: str, reference: str) -> tuple[str, ...]:
        """Ids of the subjects whom a hospital's reference means: an id, record number or name.

        An id is allotted where there was none: whoever is to be erased before a file of theirs
        was opened must not come in with it afterwards.

        Raises:
            CustodyError: a deposit does not verify, or a key was destroyed.
            InputError: a manifest is not in its form.
        """
        keys = self.enclave.vault.keys(ledger, dataset)
        named = {reference}
        for _, inner in self._opened(ledger, dataset):
            named |= set(_meant(inner.register, reference))
        found = set()
        for each in named:
            known = keys.subject_known(f"named:{each}")
            found.add(keys.subject(f"named:{each}") if known is None else known)
        return tuple(sorted(found))

    def prepare(self, ledger: str, dataset: str, subjects: tuple[str, ...]) -> tuple[str, ...]:
        """Each deposit's inner part without these subjects, kept: `<deposit>:<blob digest>`.

        Raises:
            CustodyError: a deposit does not verify, or a key was destroyed.
        """
        keys, gone = self.enclave.vault.keys(ledger, dataset), set(subjects)
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            objects = {
                item.object_id
                for item in tables.of(Item).find(dataset=dataset)
                if item.subject in gone
            }
        made = []
        for deposit, inner in self._opened(ledger, dataset):
            rows = tuple(r for r in inner.register.rows if not _is(keys, r.mrn or r.id, gone))
            files = {
                name: file
                for name, file in inner.files.items()
                if name not in objects
                and not _is(keys, identity(inner.register, file.subject, None), gone)
            }
            if (len(rows), len(files)) != (len(inner.register.rows), len(inner.files)):
                left = replace(inner, files=files, register=Register(rows))
                blob = prepare_inner(keys, deposit, left, self.enclave.blobs)
                made.append(f"{deposit}:{blob}")
        return tuple(made)

    def adopt(self, ledger: str, dataset: str, kept: tuple[str, ...]) -> None:
        """Have the prepared parts count, and destroy those before. May be repeated."""
        keys = self.enclave.vault.keys(ledger, dataset)
        for line in kept:
            deposit, _, blob = line.partition(":")
            adopt_inner(keys, deposit, blob, self.enclave.blobs)
            self.opener.lose(ledger, deposit)
            self.enclave.exchange.destroy(header_name(ledger, deposit, deposit))
            with self.enclave.ledgers.open(ledger).snapshot() as tables:
                came = tables.of(Deposit).require(deposit).inner_blob
            if came != blob:
                self.enclave.blobs.delete(came)

    def _opened(self, ledger: str, dataset: str) -> Iterator[tuple[str, InnerManifest]]:
        """Deposits and their inner parts. One that does not verify gave nothing to anybody."""
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            deposits = [d for d in tables.of(Deposit).find(dataset=dataset) if d.state == COMPLETE]
        for deposit in deposits:
            try:
                yield deposit.id, self.opener.deposit(ledger, deposit).inner
            except KeyDestroyed:
                raise
            except (CustodyError, InputError):
                continue


def _meant(register: Register, reference: str) -> list[str]:
    """What the pseudonyms of the register's rows that a reference names are derived from."""
    rows = [row for row in register.rows if reference in {row.id, row.mrn}]
    return [row.mrn or row.id for row in rows]


def _is(keys: DatasetKeys, named: str | None, gone: set[str]) -> bool:
    return named is not None and keys.subject_known(f"named:{named}") in gone
