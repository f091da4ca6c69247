"""Datasets, their intake keys, and deposits."""

import base64
from collections import Counter
from hashlib import sha256

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request

from api.authentication import ActorHere
from api.requests import RequestKey, WindowHere, from_base64
from api.shapes import HexId, Page, page, with_receipt
from api.shapes_collect import (
    ArrivedShape,
    DatasetActShape,
    DatasetForm,
    DatasetShape,
    DepositCompletedShape,
    DepositForm,
    DepositOpenedShape,
    DepositShape,
    IntakeKeyShape,
)
from policies.vocabulary import Role
from sandbox.acts import Actor
from sandbox.collect import arrival
from sandbox.collect import commands as c
from sandbox.errors import Conflict, NotFound
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


def router(house: House) -> APIRouter:
    """Routes for the hospital's people who bring data."""
    routes = APIRouter(prefix="/datasets", tags=["collect"])
    _dataset_routes(routes, house)
    _state_routes(routes, house)
    _deposit_routes(routes, house)
    _object_routes(routes, house)
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
        house.people.readers.require(actor, ledger, INTAKE_KEYS_READ_BY)
        with house.gate.snapshot(ledger) as tables:
            keys = tables.of(IntakeKey).find(dataset=dataset)
        if not keys:
            raise NotFound("intake-key-unknown", "the dataset has no intake key yet")
        return _intake_key(max(keys, key=lambda row: row.created_at))


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


def _deposit_routes(routes: APIRouter, house: House) -> None:
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
        missing = arrival.missing(row, ledger, house.blobs, house.exchange)
        return DepositShape(
            deposit=row.id,
            dataset=row.dataset,
            state=row.state,
            objects=row.objects,
            # The worker destroys headers once it has taken the keys over.
            missing=missing if row.state == "OPEN" else [],
            opened_at=row.opened_at,
        )

    @routes.post("/{dataset}/deposits/{deposit}/complete", status_code=201)
    def complete(
        ledger: str, dataset: HexId, deposit: HexId, actor: ActorHere, key: RequestKey
    ) -> DepositCompletedShape:
        """Say that everything announced has arrived."""
        row = _own(house, ledger, dataset, deposit, actor)
        command = c.CompleteDeposit(
            ledger=ledger,
            request_key=key,
            dataset=dataset,
            deposit=deposit,
            arrived=arrival.arrived(row, ledger, house.blobs, house.exchange),
        )
        return DepositCompletedShape(**with_receipt(house.gate.perform(actor, command)))


def _object_routes(routes: APIRouter, house: House) -> None:
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
        row = await run_sync(_open_own, house, ledger, dataset, deposit, actor)
        taken = 0
        with arrival.arrival(row, ledger, object_id, house.blobs, house.exchange) as taking:
            async for piece in request.stream():
                if piece:
                    await run_sync(taking.write, piece)
                    taken += len(piece)
            await run_sync(taking.finish)
        return ArrivedShape(object_id=object_id, size_bytes=taken)


def _own(house: House, ledger: str, dataset: str, deposit: str, actor: Actor) -> Deposit:
    house.people.readers.require(actor, ledger, INTAKE_KEYS_READ_BY)
    with house.gate.snapshot(ledger) as tables:
        row = tables.of(Deposit).require(deposit)
    if row.dataset != dataset or row.depositor != actor.account:
        raise NotFound
    return row


def _open_own(house: House, ledger: str, dataset: str, deposit: str, actor: Actor) -> Deposit:
    row = _own(house, ledger, dataset, deposit, actor)
    if row.state != "OPEN":
        raise Conflict("deposit-complete", "the deposit is complete already")
    return row


def _dataset(tables: Tables, row: Dataset) -> DatasetShape:
    states = Counter(str(item.state) for item in tables.of(Item).find(dataset=row.id))
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
        items=dict(states),
    )


def _intake_key(row: IntakeKey) -> IntakeKeyShape:
    return IntakeKeyShape(
        intake_key=row.id,
        dataset=row.dataset,
        public_key=base64.b64encode(row.public_key).decode(),
        identity_key=base64.b64encode(row.identity_key).decode(),
        signature=base64.b64encode(row.signature).decode(),
    )
