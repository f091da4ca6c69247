"""The worker's part in a change of `serve`'s key pair (`sandbox.turning`)."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.acts import PLATFORM
from sandbox.dataset_keys import (
    issued_key_name,
    package_key_name,
    record_key_name,
    subject_salt_name,
)
from sandbox.enclave import Enclave
from sandbox.errors import KeyDestroyed
from sandbox.exchange import item_name, record_name, release_name, subject_name
from sandbox.records.deposits import Item
from sandbox.records.labels import Project, ProjectItem
from sandbox.records.releases import Release
from sandbox.turning import content_of, number_of, proved, turn_name

_AT_ONCE = 256
_GIVEN = ("item:", "record:", "release:", "subject:")


@dataclass(frozen=True)
class Turns:
    """Has `serve` change its pair, once for each reason."""

    enclave: Enclave

    def is_due(self) -> bool:
        """Whether there is something to do now, rather than to wait for `serve`."""
        turn = self.enclave.vault.turn_under_way()
        if turn is None:
            return True
        number, exchange = int(turn.split(":")[0]), self.enclave.exchange
        if exchange.get(turn_name(number, "ask")) is None:
            return True
        waiting = "offer" if exchange.get(turn_name(number, "moved")) is None else "ended"
        return exchange.get(turn_name(number, waiting)) is not None

    def go_on(self, reason: str) -> None:
        """Do what is to be done next; begin a turn for `reason` when none is under way.

        Raises:
            Unavailable: a store can't act now.
        """
        vault, exchange = self.enclave.vault, self.enclave.exchange
        turn = vault.turn_under_way() or vault.begin_turn(reason)
        number, key = int(turn.split(":")[0]), vault.turn_key(turn)
        ask, moved = turn_name(number, "ask"), turn_name(number, "moved")
        if exchange.get(ask) is None:
            exchange.put(ask, vault.seal_for_serve(ask, key))
        elif content_of(key, *self._found(number, "ended")) is not None:
            self._end(turn, number)
        elif (offered := content_of(key, *self._found(number, "offer"))) is not None:
            vault.trust_serve(offered)
            self._move()
            exchange.put(moved, proved(key, moved))

    def _found(self, number: int, what: str) -> tuple[str, bytes | None]:
        name = turn_name(number, what)
        return name, self.enclave.exchange.get(name)

    def _end(self, turn: str, number: int) -> None:
        # The turn's key goes last: with it, whatever is left of the turn is still found.
        for name in list(self.enclave.exchange.names("turn:")):
            if number_of(name) <= number:
                self.enclave.exchange.destroy(name)
        self.enclave.vault.end_turn(turn)

    def _move(self) -> None:
        """Seal everything that counts to `serve`'s new key; what is not to be found goes."""
        exchange, batch = self.enclave.exchange, dict[str, bytes]()
        left = {name for prefix in _GIVEN for name in exchange.names(prefix)}
        for ledger in self.enclave.ledgers.names():
            for name, key in self._keys(ledger) if ledger != PLATFORM else ():
                if name in left:
                    left.discard(name)
                    batch[name] = self.enclave.vault.seal_for_serve(name, key)
                if len(batch) >= _AT_ONCE:
                    exchange.put_all(batch)
                    batch = {}
        if batch:
            exchange.put_all(batch)
        for name in sorted(left):
            exchange.destroy(name)

    def _keys(self, ledger: str) -> Iterator[tuple[str, bytes]]:
        """Keys that `serve` was given of one ledger, by their names in the exchange."""
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            projects = {project.id: project.dataset for project in tables.of(Project).find()}
            issued = tables.of(ProjectItem).find()
            releases = tables.of(Release).find()
            people = {(item.dataset, item.subject) for item in tables.of(Item).find()}
        wanted = [
            (dataset, own, name)
            for item in issued
            for dataset in [projects[item.project]]
            for own, name in (
                (issued_key_name(item.id), item_name(item.id)),
                (record_key_name(item.id), record_name(item.id)),
            )
        ]
        wanted += [
            (r.dataset, package_key_name(r.id, r.requested_index), release_name(r.id))
            for r in releases
        ]
        wanted += [
            (dataset, subject_salt_name(subject), subject_name(subject))
            for dataset, subject in people
            if subject
        ]
        for dataset, own, name in wanted:
            keys = self.enclave.vault.keys(ledger, dataset)
            if keys.has(own):
                try:
                    yield name, keys.key(own)
                except KeyDestroyed:
                    continue
