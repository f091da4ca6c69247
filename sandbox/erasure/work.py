"""The worker's part in erasing: orders, destruction, rotation, and what a restore brought back.

Order, and what a crash leaves behind at each point:
1. the order is read from the verified log, signed by a steward; rows say only where to look;
2. whom it is about is found, and what stays of deposits' inner parts is kept; a restart does both
   again, and what nothing names is swept;
3. the act `erasure.begin`, signed by the worker: from here nobody sees anything of it any more;
4. keys in the vault, keys sealed to `serve`, headers; then ciphertexts: each may be repeated;
5. the act `erasure.complete`, signed by the worker: only now anything is ERASED;
6. later, for all that was completed meanwhile: the hospital's keys move to another epoch, `serve`
   to another pair, the former ones are destroyed at their providers; the act `key.rotate`.

An old copy of key store, exchange, blobs and rows opens nothing of it after 6. A copy from between
4 and 6 that is restored brings keys back: `replay` destroys them again, before anything else.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from policies.vocabulary import Action, ErasureState, Role
from sandbox.acts import SignedAct
from sandbox.dataset_keys import package_key_name
from sandbox.enclave import Enclave, Step
from sandbox.erasure.commands import BeginErasure, CompleteErasure, RotateKeys
from sandbox.erasure.concerned import Concerned, concerned
from sandbox.erasure.execution import (
    beginning_terms,
    completion_terms,
    counting_epoch,
    rotation_terms,
)
from sandbox.erasure.orders import is_held, order_terms
from sandbox.erasure.turns import Turns
from sandbox.errors import VerificationFailed
from sandbox.exchange import (
    headers_prefix,
    item_name,
    record_name,
    release_name,
    subject_name,
)
from sandbox.records.deposits import Approval, Deposit, IntakeKey
from sandbox.records.erasures import DATASET, Erasure

_log = logging.getLogger("anbiao.worker")
_STEWARDS = (Role.STEWARD,)
_WORKERS = (Role.WORKER,)


class Manifests(Protocol):
    """What another room knows of deposits from inside."""

    def subjects(self, ledger: str, dataset: str, reference: str) -> tuple[str, ...]:
        """Ids of the subjects whom a hospital's reference means."""
        ...

    def prepare(self, ledger: str, dataset: str, subjects: tuple[str, ...]) -> tuple[str, ...]:
        """Each deposit's inner part without these subjects, kept: `<deposit>:<blob digest>`."""
        ...

    def adopt(self, ledger: str, dataset: str, kept: tuple[str, ...]) -> None:
        """Have the prepared parts count, and destroy those before; may be repeated."""
        ...


@dataclass(frozen=True)
class _Gone:
    """How much was destroyed."""

    keys: int
    blobs: int


@dataclass(frozen=True)
class ErasureWork:
    """All steps of this room over one house's ledgers."""

    enclave: Enclave
    manifests: Manifests
    turns: Turns
    _told: set[str] = field(default_factory=set)

    @classmethod
    def over(cls, enclave: Enclave, manifests: Manifests) -> "ErasureWork":
        """The work of one enclave."""
        return cls(enclave, manifests, Turns(enclave))

    def steps(self, ledger: str) -> Iterator[Step]:
        """What is to be done now in one ledger."""
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            ordered = [
                erasure
                for erasure in tables.of(Erasure).find(state=ErasureState.ORDERED)
                if not is_held(tables, erasure.dataset)
            ]
            begun = tables.of(Erasure).find(state=ErasureState.BEGUN)
            erased = tables.of(Erasure).find(state=ErasureState.ERASED)
            epoch = counting_epoch(tables)
        self._tell_overdue(ledger, (*ordered, *begun, *erased))
        for erasure in ordered:
            yield f"erasure-begin:{erasure.id}", partial(self.begin, ledger, erasure)
        for erasure in begun:
            yield f"erasure:{erasure.id}", partial(self.complete, ledger, erasure)
        if erased and not ordered and not begun and self._is_time(erased):
            yield from self._rotation(ledger, epoch, erased)

    def _tell_overdue(self, ledger: str, unfinished: Iterable[Erasure]) -> None:
        """Once for each: what is late is late because somebody has to do something."""
        now = self.enclave.clock()
        for erasure in unfinished:
            if erasure.due_at <= now and erasure.id not in self._told:
                self._told.add(erasure.id)
                _log.warning("erasure %s in %s is overdue: does serve run?", erasure.id, ledger)

    def begin(self, ledger: str, erasure: Erasure) -> None:
        """Find whom an order is about, and take all of it out of work.

        Raises:
            CustodyError: nobody entitled signed the order, or what it seals does not open.
            AccessError: policy refuses: there is a legal hold.
            Unavailable: a store or the notary can't act now.
        """
        self._check_order(ledger, erasure)
        subjects = self._subjects(ledger, erasure)
        kept = self.manifests.prepare(ledger, erasure.dataset, subjects) if subjects else ()
        objects = {"dataset": erasure.dataset, "erasure": erasure.id}
        signed = self._signed(ledger, Action.ERASURE_BEGIN, objects, beginning_terms(subjects))
        self.enclave.gate.perform(
            self.enclave.actor,
            BeginErasure(ledger=ledger, subjects=subjects, kept=kept, signed=signed, **objects),
        )

    def complete(self, ledger: str, erasure: Erasure) -> None:
        """Destroy everything that an erasure is about, and say so.

        Raises:
            CustodyError: it was not ordered or begun as the row says.
            Unavailable: a store or the notary can't act now; repeat it then.
        """
        self._check_order(ledger, erasure)
        self._check_begun(ledger, erasure)
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            found, epoch = concerned(tables, erasure), counting_epoch(tables)
        gone = self.destroy(ledger, erasure, found)
        objects = {"dataset": erasure.dataset, "erasure": erasure.id}
        terms = completion_terms(erasure, found, epoch)
        signed = self._signed(ledger, Action.ERASURE_COMPLETE, objects, terms)
        self.enclave.gate.perform(
            self.enclave.actor,
            CompleteErasure(
                ledger=ledger, keys=gone.keys, blobs=gone.blobs, signed=signed, **objects
            ),
        )

    def destroy(self, ledger: str, erasure: Erasure, found: Concerned) -> _Gone:
        """Keys first, then ciphertexts; may be repeated at any point."""
        keys = self.enclave.vault.keys(ledger, erasure.dataset)
        if erasure.scope == DATASET:
            destroyed = keys.erase()
        else:
            destroyed = sum(keys.erase_subject(subject) for subject in erasure.subjects)
            for release in found.releases:
                keys.destroy(package_key_name(release.id, release.requested_index))
        for name in self._given(ledger, erasure, found):
            self.enclave.exchange.destroy(name)
        if erasure.scope != DATASET:
            self.manifests.adopt(ledger, erasure.dataset, erasure.kept)
        blobs = found.blobs() | self._own_blobs(ledger, erasure)
        there = [blob for blob in sorted(blobs) if self.enclave.blobs.exists(blob)]
        for blob in there:
            self.enclave.blobs.delete(blob)
        return _Gone(destroyed, len(there))

    def replay(self, ledger: str) -> int:
        """Destroy again what a restored copy brought back; how many erasures that took.

        Which erasures there were is read from the verified log.

        Raises:
            VerificationFailed: `key-store-outdated`: the key store is older than the last
                rotation that the log knows of, so that nothing in it opens.
        """
        entries = self.enclave.history(ledger).entries()
        done = [e for e in entries if e["refusal"] is None and e["action"] in _DONE]
        if not done:
            return 0
        epochs = [e["outcome"]["counts"]["to_epoch"] for e in done if "rotation" in e["objects"]]
        if epochs and self.enclave.vault.epoch(ledger) < max(epochs):
            raise VerificationFailed("key-store-outdated", "it is from before a rotation")
        names = {e["objects"]["erasure"] for e in done if "erasure" in e["objects"]}
        return sum(self._again(ledger, name) for name in sorted(names))

    def _again(self, ledger: str, name: str) -> bool:
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            erasure = tables.of(Erasure).get(name)
            found = concerned(tables, erasure) if erasure else None
        if erasure is None or found is None:
            raise VerificationFailed("erasure-unknown", "the rows are older than the log")
        self._check_begun(ledger, erasure)
        if not self._is_back(ledger, erasure, found):
            return False
        self.destroy(ledger, erasure, found)
        return True

    def _is_back(self, ledger: str, erasure: Erasure, found: Concerned) -> bool:
        keys = self.enclave.vault.keys(ledger, erasure.dataset)
        subjects: Iterable[str | None] = erasure.subjects or (None,)
        if erasure.scope != DATASET and not erasure.subjects:
            return False
        return (
            not all(keys.is_erased(subject) for subject in subjects)
            or any(self.enclave.exchange.get(n) for n in self._given(ledger, erasure, found))
            or any(map(self.enclave.blobs.exists, found.blobs()))
        )

    def _given(self, ledger: str, erasure: Erasure, found: Concerned) -> list[str]:
        """Names in the exchange under which anything of it was given away."""
        names = [release_name(release.id) for release in found.releases]
        for issued in found.project_items:
            names += [item_name(issued.id), record_name(issued.id)]
        exchange = self.enclave.exchange
        names += [subject_name(one) for one in {item.subject for item in found.items} if one]
        for item in found.items:
            names.append(f"{headers_prefix(ledger, item.deposit)}{item.object_id}")
        if erasure.scope == DATASET:
            names += exchange.names(f"naming:{ledger}:{erasure.dataset}:")
            for deposit in {item.deposit for item in found.items}:
                names += exchange.names(headers_prefix(ledger, deposit))
        return names

    def _own_blobs(self, ledger: str, erasure: Erasure) -> set[str]:
        """What a whole dataset has beside: deposits' inner parts, and lists of approved items."""
        if erasure.scope != DATASET:
            return set()
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            deposits = tables.of(Deposit).find(dataset=erasure.dataset)
            approvals = tables.of(Approval).find(dataset=erasure.dataset)
        batches = {(a.batch_digest or "").removeprefix("sha256:") for a in approvals} - {""}
        return batches | {deposit.inner_blob for deposit in deposits}

    def _subjects(self, ledger: str, erasure: Erasure) -> tuple[str, ...]:
        if erasure.scope == DATASET:
            return ()
        if erasure.subject is not None:
            return (erasure.subject,)
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            offered = tables.of(IntakeKey).find(dataset=erasure.dataset)
        for key in offered:
            reference = self.enclave.vault.open_reference(
                ledger, erasure.dataset, erasure.id, key.id, erasure.sealed or b""
            )
            return self.manifests.subjects(ledger, erasure.dataset, reference)
        return ()

    def _check_order(self, ledger: str, erasure: Erasure) -> None:
        entry = self.enclave.history(ledger).signed_act(
            erasure.ordered_index, Action.ERASURE_ORDER, _STEWARDS
        )
        said = order_terms(
            erasure.scope, erasure.subject or "", erasure.sealed or b"", erasure.ground
        )
        _require_same(entry, erasure, said)

    def _check_begun(self, ledger: str, erasure: Erasure) -> None:
        """Whom it is about is what this worker signed: a changed row destroys no other's keys."""
        index = -1 if erasure.begun_index is None else erasure.begun_index
        entry = self.enclave.history(ledger).signed_act(index, Action.ERASURE_BEGIN, _WORKERS)
        _require_same(entry, erasure, beginning_terms(erasure.subjects))

    def _is_time(self, erased: Iterable[Erasure]) -> bool:
        """Whether half of the time is over that some erasure has: others may still join it."""
        half = (e.ordered_at + (e.due_at - e.ordered_at) / 2 for e in erased)
        return self.enclave.clock() >= min(half)

    def _rotation(self, ledger: str, epoch: int, erased: Sequence[Erasure]) -> Iterator[Step]:
        """Of a turn and the rotation after it; what is erased while it lasts waits for the next.

        What `serve` is given anew must not hold any of it: so a turn covers what was complete
        when it began, and its name says up to which entry.
        """
        reason = f"{ledger}:{epoch + 1}:"
        turn = self.enclave.vault.turn_for(reason)
        if turn is not None and self.enclave.vault.has_ended(turn):
            through = int(turn.rpartition(":")[2])
            datasets = {e.dataset for e in erased if (e.completed_index or 0) <= through}
            yield f"rotate:{reason}", partial(self._rotate, ledger, epoch, through, datasets)
        elif self.turns.is_due():
            last = max(e.completed_index or 0 for e in erased)
            yield f"turn:{reason}", partial(self.turns.go_on, f"{reason}{last}")

    def _rotate(self, ledger: str, epoch: int, through: int, datasets: set[str]) -> None:
        moved = self.enclave.vault.rotate(ledger, epoch + 1, datasets)
        objects = {"rotation": self.enclave.new_id()}
        terms = rotation_terms(epoch, epoch + 1, through)
        signed = self._signed(ledger, Action.KEY_ROTATE, objects, terms)
        self.enclave.gate.perform(
            self.enclave.actor,
            RotateKeys(
                ledger=ledger,
                from_epoch=epoch,
                to_epoch=epoch + 1,
                through=through,
                keys=moved,
                signed=signed,
                **objects,
            ),
        )

    def _signed(
        self, ledger: str, action: Action, objects: Mapping[str, str], terms: Mapping[str, str]
    ) -> SignedAct:
        nonce, signature = self.enclave.vault.sign(ledger, action, objects, terms)
        return SignedAct(self.enclave.vault.identity_public, signature, nonce, objects, terms)


_DONE = frozenset({Action.ERASURE_COMPLETE, Action.KEY_ROTATE})


def _require_same(entry: Mapping[str, Any], erasure: Erasure, terms: Mapping[str, str]) -> None:
    signed = entry["signed"]
    objects = {"dataset": erasure.dataset, "erasure": erasure.id}
    if signed["objects"] != objects or dict(signed["terms"]) != dict(terms):
        raise VerificationFailed("erasure-not-signed", "another erasure was signed")
