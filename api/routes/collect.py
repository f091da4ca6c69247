"""Datasets, their intake keys, and deposits."""

import base64
from hashlib import sha256
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, page, with_receipt
from api.shapes_collect import (
    AnnouncedShape,
    ArrivedShape,
    DatasetActShape,
    DatasetForm,
    DatasetShape,
    DepositAbandonedShape,
    DepositCompletedShape,
    DepositForm,
    DepositOpenedShape,
    DepositShape,
    IntakeKeyShape,
    KnownShape,
    NamingKeyShape,
    ParcelShape,
)
from api.uploads import take
from policies.vocabulary import ItemState, Role
from sandbox.acts import Actor
from sandbox.collect import arrival
from sandbox.collect import commands as c
from sandbox.collect.announcements import Announcements
from sandbox.collect.deposits import OPEN, require_open
from sandbox.collect.pulse import idle_since
from sandbox.errors import NotFound
from sandbox.exchange import SIGNATURE_BYTES, naming_name
from sandbox.manifests import OuterManifest
from sandbox.people.stewardship import Signed
from sandbox.records.deposits import Dataset, Deposit, IntakeKey, Item
from sandbox.records.port import Tables
from sandbox.wiring import House

DATASETS_READ_BY = frozenset(
    {
        Role.STEWARD,
        Role.DEPOSITOR,
        Role.DEID_OFFICER,
        Role.PRIVACY_OFFICER,
        Role.OUTPUT_CHECKER,
        Role.PROJECT_LEAD,
        Role.LABEL_ADMIN,
        Role.REGULATOR,
        Role.SECURITY_AUDITOR,
    }
)
INTAKE_KEYS_READ_BY = frozenset({Role.STEWARD, Role.DEPOSITOR})
_IDS = r"^[0-9a-f]{32}(,[0-9a-f]{32}){0,499}$"


def router(house: House) -> APIRouter:
    """Routes for the hospital's people who bring data."""
    routes = APIRouter(prefix="/datasets", tags=["collect"])
    _dataset_routes(routes, house)
    _state_routes(routes, house)
    announcements = Announcements()
    _deposit_routes(routes, house, announcements)
    _ending_routes(routes, house, announcements)
    _object_routes(routes, house, announcements)
    return routes


def _dataset_routes(routes: APIRouter, house: House) -> None:
    @routes.post("", status_code=201)
    def create_dataset(
        ledger: str, form: DatasetForm, actor: ActorHere, key: RequestKey
    ) -> DatasetActShape:
        """Make a dataset known; whatever the law wants said and is missing is named."""
        command = c.CreateDataset(
            ledger=ledger, request_key=key, dataset=house.new_id(), **dict(form)
        )
        return DatasetActShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.get("")
    def datasets(ledger: str, actor: ActorHere, asked: WindowHere) -> Page[DatasetShape]:
        """The hospital's datasets."""
        house.people.readers.require(actor, ledger, DATASETS_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            rows = tables.of(Dataset).find(after=asked.after, limit=asked.limit + 1)
            return page(rows, asked, lambda row: _dataset(tables, row))

    @routes.get("/{dataset}")
    def dataset(ledger: str, dataset: HexId, actor: ActorHere) -> DatasetShape:
        """One dataset."""
        house.people.readers.require(actor, ledger, DATASETS_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            return _dataset(tables, tables.of(Dataset).require(dataset))

    @routes.get("/{dataset}/intake-key")
    def intake_key(ledger: str, dataset: HexId, actor: ActorHere) -> IntakeKeyShape:
        """The key to seal deposits to; it counts by the worker's signature alone."""
        held = house.people.readers.require(actor, ledger, INTAKE_KEYS_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            keys = tables.of(IntakeKey).find(dataset=dataset)
        if not keys:
            raise NotFound("intake-key-unknown", "the dataset has no intake key yet")
        own = {m.sealing_key for m in held if m.sealing_key is not None}
        offers = (house.exchange.get(naming_name(ledger, dataset, key)) for key in own)
        return _intake_key(
            max(keys, key=lambda row: row.created_at), next(filter(None, offers), None)
        )


def _state_routes(routes: APIRouter, house: House) -> None:
    @routes.post("/{dataset}/suspend", status_code=201)
    def suspend(ledger: str, dataset: HexId, actor: ActorHere, key: RequestKey) -> DatasetActShape:
        """Stop all work on a dataset."""
        command = c.SuspendDataset(ledger=ledger, request_key=key, dataset=dataset)
        return DatasetActShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.post("/{dataset}/resume", status_code=201)
    def resume(ledger: str, dataset: HexId, actor: ActorHere, key: RequestKey) -> DatasetActShape:
        """Let work on a suspended dataset go on."""
        command = c.ResumeDataset(ledger=ledger, request_key=key, dataset=dataset)
        return DatasetActShape(**with_receipt(house.gate.perform(actor, command)))


def _deposit_routes(routes: APIRouter, house: House, announcements: Announcements) -> None:
    @routes.post("/{dataset}/deposits", status_code=201)
    def open_deposit(
        ledger: str, dataset: HexId, form: DepositForm, actor: ActorHere, key: RequestKey
    ) -> DepositOpenedShape:
        """Announce sealed objects by a signed outer manifest."""
        manifest = from_base64(form.manifest)
        terms = {"manifest": f"sha256:{sha256(manifest).hexdigest()}"}
        signed = Signed(form.nonce, from_base64(form.signature), terms)
        objects = {"dataset": dataset, "deposit": form.deposit}
        command = c.OpenDeposit(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            deposit=form.deposit,
            manifest=manifest,
            signed=house.people.stewardship.signed_act(actor, signed, objects),
        )
        return DepositOpenedShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.get("/{dataset}/deposits/{deposit}")
    def deposit(ledger: str, dataset: HexId, deposit: HexId, actor: ActorHere) -> DepositShape:
        """Where one's own deposit stands."""
        row = _own(house, ledger, dataset, deposit, actor)
        manifest = announcements.of(row)
        missing = arrival.missing(manifest, ledger, house.blobs, house.exchange)
        return DepositShape(
            deposit=row.id,
            dataset=row.dataset,
            state=row.state,
            objects=row.objects,
            # The worker destroys headers once it has taken the keys over.
            missing=missing if row.state == OPEN else [],
            opened_at=row.opened_at,
        )


def _ending_routes(routes: APIRouter, house: House, announcements: Announcements) -> None:
    @routes.post("/{dataset}/deposits/{deposit}/complete", status_code=201)
    def complete(
        ledger: str, dataset: HexId, deposit: HexId, actor: ActorHere, key: RequestKey
    ) -> DepositCompletedShape:
        """Say that everything announced has arrived."""
        manifest = announcements.of(_own(house, ledger, dataset, deposit, actor))
        command = c.CompleteDeposit(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            deposit=deposit,
            arrived=arrival.arrived(manifest, ledger, house.blobs, house.exchange),
        )
        return DepositCompletedShape(**with_receipt(house.gate.perform(actor, command)))

    @routes.post("/{dataset}/deposits/{deposit}/abandon", status_code=201)
    def abandon(
        ledger: str, dataset: HexId, deposit: HexId, actor: ActorHere, key: RequestKey
    ) -> DepositAbandonedShape:
        """Give up a deposit that nobody sends any more; another's only once it is idle."""
        command = c.AbandonDeposit(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            deposit=deposit,
            heard_at=house.pulse.heard_at(deposit),
        )
        return DepositAbandonedShape(**with_receipt(house.gate.perform(actor, command)))


def _object_routes(routes: APIRouter, house: House, announcements: Announcements) -> None:
    def opened(ledger: str, dataset: str, deposit: str, actor: Actor) -> OuterManifest:
        row = _own(house, ledger, dataset, deposit, actor)
        require_open(row)
        return announcements.of(row)

    @routes.get("/{dataset}/objects")
    def known(
        ledger: str, dataset: HexId, actor: ActorHere, ids: Annotated[str, Query(pattern=_IDS)]
    ) -> KnownShape:
        """Which of up to 500 objects, by id, the dataset has or is about to get."""
        house.people.readers.require(actor, ledger, INTAKE_KEYS_READ_BY)
        asked = set(ids.split(","))
        with house.gate.snapshot(ledger) as tables:
            tables.of(Dataset).require(dataset)
            items = tables.of(Item)
            deposited = {i for i in asked if items.count(dataset=dataset, object_id=i)}
            on_the_way = tables.of(Deposit).find(dataset=dataset, state=OPEN)
        announced = [
            AnnouncedShape(
                deposit=row.id,
                own=row.depositor == actor.account,
                idle_s=_idle_s(house, row),
                left_after_s=house.pulse.idle.total_seconds(),
                objects=sorted(both),
            )
            for row in on_the_way
            if (both := asked & announcements.of(row).ids)
        ]
        return KnownShape(deposited=sorted(deposited), announced=announced)

    @routes.put("/{dataset}/deposits/{deposit}/objects/{object_id}")
    async def put_object(
        ledger: str,
        dataset: HexId,
        deposit: HexId,
        object_id: HexId,
        actor: ActorHere,
        request: Request,
    ) -> ArrivedShape:
        """Take in one sealed object, header and body; the deposit's id names the inner part."""
        manifest = await run_sync(opened, ledger, dataset, deposit, actor)
        with _delivery(house, ledger, manifest) as delivery:
            await run_sync(delivery.begin, object_id)
            taken = await take(request, delivery.write, lambda: house.pulse.beat(deposit))
            await run_sync(delivery.end)
            await run_sync(delivery.keep)
        return ArrivedShape(object_id=object_id, size_bytes=taken)

    @routes.put("/{dataset}/deposits/{deposit}/objects")
    async def put_parcel(
        ledger: str, dataset: HexId, deposit: HexId, actor: ActorHere, request: Request
    ) -> ParcelShape:
        """Take in up to 64 sealed objects, each behind the 16 octets of its id."""
        manifest = await run_sync(opened, ledger, dataset, deposit, actor)
        with _delivery(house, ledger, manifest) as delivery:
            parcel = arrival.Parcel(delivery)
            taken = await take(request, parcel.write, lambda: house.pulse.beat(deposit))
            parcel.end()
            kept = await run_sync(delivery.keep)
        return ParcelShape(objects=kept, size_bytes=taken)


def _delivery(house: House, ledger: str, manifest: OuterManifest) -> arrival.Delivery:
    return arrival.Delivery(ledger, manifest, house.blobs, house.exchange)


def _own(house: House, ledger: str, dataset: str, deposit: str, actor: Actor) -> Deposit:
    house.people.readers.require(actor, ledger, INTAKE_KEYS_READ_BY)
    with house.gate.snapshot(ledger) as tables:
        row = tables.of(Deposit).require(deposit)
    if row.dataset != dataset or row.depositor != actor.account:
        raise NotFound
    return row


def _idle_s(house: House, row: Deposit) -> float:
    since = idle_since(row.opened_at, house.pulse.heard_at(row.id))
    return max(0.0, (house.clock() - since).total_seconds())


def _dataset(tables: Tables, row: Dataset) -> DatasetShape:
    counts = {str(s): tables.of(Item).count(dataset=row.id, state=s) for s in ItemState}
    return DatasetShape(
        dataset=row.id,
        title=row.title,
        owner=row.owner,
        contract=row.contract,
        contract_expires_at=row.contract_expires_at,
        ethics_approval=row.ethics_approval,
        ethics_expires_at=row.ethics_expires_at,
        legal_basis=row.legal_basis,
        purpose=row.purpose,
        retain_until=row.retain_until,
        category=row.category,
        grade=row.grade,
        recipe=row.recipe,
        state=row.state,
        created_at=row.created_at,
        items={state: count for state, count in counts.items() if count},
    )


def _intake_key(row: IntakeKey, offer: bytes | None) -> IntakeKeyShape:
    return IntakeKeyShape(
        intake_key=row.id,
        dataset=row.dataset,
        public_key=base64.b64encode(row.public_key).decode(),
        identity_key=base64.b64encode(row.identity_key).decode(),
        signature=base64.b64encode(row.signature).decode(),
        naming=_naming(offer) if offer else None,
    )


def _naming(offer: bytes) -> NamingKeyShape:
    signature, sealed = offer[:SIGNATURE_BYTES], offer[SIGNATURE_BYTES:]
    return NamingKeyShape(
        sealed=base64.b64encode(sealed).decode(), signature=base64.b64encode(signature).decode()
    )
