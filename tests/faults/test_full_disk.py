"""A disk that fills up under a house: refused by name, nothing lost, and on when there is room.

A limit on the size of files stands for the full disk: it can be laid on a running process and
taken away again, needs no privilege, and every write beyond it fails as on a disk without room.
"""

import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from siege import DATASET, Siege, few_films

from api.client import deposit
from api.client.errors import ClientError
from api.client.manifest import IntakeKey
from api.demo import material, scenes
from api.demo.cast import STEWARD
from api.demo.stage import PROCESSES
from sandbox.people.presence import Presence

UNBOUND = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
PAGE = 4096
UNAVAILABLE = {"checkpoint-pending", "ledger-unavailable"}


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    house = Siege(tmp_path_factory.mktemp("full") / "house", seed=1)
    try:
        house.found()
        yield house
    finally:
        house.end()


@contextmanager
def full(siege: Siege, names: tuple[str, ...], room: int) -> Iterator[None]:
    """No file of these processes may be written beyond `room` bytes."""
    pids = [siege.stage.process(name).pid for name in names]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, UNBOUND)


def create(siege: Siege, title: str, key: str) -> httpx.Response:
    """One act, asked for once."""
    door = siege.company[STEWARD.name].door
    return door.http.post(
        f"/v1/hospitals/{siege.company.ledger}/datasets",
        json={**DATASET, "title": title},
        headers={"Authorization": f"Bearer {door.token}", "Idempotency-Key": key},
    )


@pytest.mark.parametrize("names", [("serve",), ("notary",), ("serve", "notary"), PROCESSES])
@pytest.mark.parametrize("room", [0, PAGE, 16 * PAGE, 64 * PAGE])
def test_acts_are_refused_by_name_and_done_once_there_is_room(siege, names, room):
    titles = [f"{'+'.join(names)} {room} {number}" for number in range(3)]
    keys = {title: secrets.token_urlsafe(16) for title in titles}
    steward = siege.company[STEWARD.name].door

    with full(siege, names, room):
        answers = [create(siege, title, keys[title]) for title in titles]
        read = steward.get(f"/hospitals/{siege.company.ledger}/datasets", limit=1)
    after = [create(siege, title, keys[title]) for title in titles]

    # The notary's own journal is short: a page is room enough for it.
    told = 503 if "serve" in names or not room else 201
    assert [answer.status_code for answer in answers] == [told] * 3
    for answer in answers:
        assert told == 201 or answer.json()["code"] in UNAVAILABLE, answer.text
        assert str(siege.stage.folder) not in answer.text
    assert set(read) == {"items", "next"}
    assert [answer.status_code for answer in after] == [201] * 3, [a.text for a in after]
    for title, answer in zip(titles, after, strict=True):
        siege.titles[title] = True
        siege.receipts.append(answer.json()["receipt"])
    assert siege.judge().clean
    assert all(process_lives(siege, name) for name in PROCESSES)


@pytest.mark.requirement("R04")
def test_a_session_is_seen_though_it_can_not_be_written_down(tmp_path):
    place, now = tmp_path / "serve" / "presence.json", datetime.now(UTC)
    presence = Presence(place, timedelta(hours=1), timedelta(0))

    presence.touch("s", now)
    unwritten = Presence(place, timedelta(hours=1)).seen("s")
    place.parent.mkdir()
    presence.touch("s", now)

    assert presence.seen("s") == now
    assert unwritten is None
    assert Presence(place, timedelta(hours=1)).seen("s") == now


def process_lives(siege: Siege, name: str) -> bool:
    return siege.stage.process(name).poll() is None


@pytest.mark.requirement("R66")
def test_a_deposit_goes_on_where_the_disk_was_full(siege, tmp_path):
    few_films(tmp_path / "films")
    play = siege.round()
    scenes.make_dataset(play)
    key, folder = sealed(siege, play, tmp_path)
    depositor = siege.company["depositor"].door
    impatient = type(depositor)(depositor.http, depositor.token, lambda _s: None)

    with full(siege, ("serve",), 8 * PAGE), pytest.raises(ClientError) as caught:
        deposit.send(impatient, folder)
    answer = deposit.send(depositor, folder)
    scenes.clean(play)

    assert (caught.value.status, caught.value.code) in {
        (503, "blob-unavailable"),
        (503, "ledger-unavailable"),
    }
    assert "receipt" in answer
    assert {item["state"] for item in play.items} == {"CLEANED"}
    assert siege.judge().clean
    assert key.dataset == play.dataset


def test_a_worker_without_room_cleans_nothing_and_then_everything(siege, tmp_path):
    few_films(tmp_path / "films")
    play = siege.round()
    scenes.make_dataset(play)
    # Its keys come from the worker while there is room: without them nobody seals anything.
    depositor = siege.company["depositor"]
    deposit.trusted_intake_key(
        depositor.door, siege.company.ledger, play.dataset, siege.company.worker, depositor.own
    )

    with full(siege, ("worker",), 2 * PAGE):
        scenes.hand_over(play, material.given(tmp_path / "films"))
    scenes.clean(play)

    assert {item["state"] for item in play.items} == {"CLEANED"}
    assert process_lives(siege, "worker")
    assert siege.judge().clean
    assert siege.verdict()[0] == 0


def sealed(siege: Siege, play, place: Path) -> tuple[IntakeKey, Path]:
    depositor = siege.company["depositor"]
    key = deposit.trusted_intake_key(
        depositor.door, siege.company.ledger, play.dataset, siege.company.worker, depositor.own
    )
    source = deposit.Source.of(place / "films")
    (folder,) = deposit.seal_folder(source, key, depositor.own, place / "spool")
    return key, folder
