"""Every answer of the server during a whole play, and its refusals of bad input: no planted word."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from canaries import CHINESE, ID_NUMBER, LATIN, Search
from small_input import planted

from api.client.errors import ClientError
from api.client.http import new_id
from api.demo import material, scenes
from api.demo.cast import STEWARD
from api.demo.scenes import Play
from api.demo.stage import staged
from api.register import rows_of
from policies.shipped import shipped_digest


class Overheard:
    """All answers, as each party's client gets them."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.statuses: set[int] = set()

    def listen(self, play: Play) -> None:
        for person in play.company.people.values():
            person.door.http.event_hooks = {"response": [self._heard]}

    def _heard(self, answer: httpx.Response) -> None:
        octets = answer.read()
        self.statuses.add(answer.status_code)
        head = b"\n".join(name + b": " + value for name, value in answer.headers.raw)
        self.search.octets(f"{answer.request.method} {answer.request.url}", head + b"\n" + octets)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[tuple[Play, Overheard]]:
    """A whole play over planted files, overheard from the moment that there are people."""
    register = planted(tmp_path / "input")
    overheard = Overheard(Search())
    with staged(tmp_path / "house", keep=False) as stage:
        play = Play(stage, lambda *_: None)
        scenes.gather_people(play)
        overheard.listen(play)
        scenes.pin_trust(play, shipped_digest())
        scenes.make_dataset(play)
        scenes.hand_over(play, material.given(tmp_path / "input", rows_of(register)))
        for scene in (scenes.clean, scenes.approve, scenes.open_project):
            scene(play)
        for scene in (scenes.label, scenes.review, scenes.let_out):
            scene(play)
        yield play, overheard
        play.company.close()


def bad_requests(play: Play) -> Iterator[str]:
    """Send planted words where they are not wanted; the codes of the refusals."""
    steward, lead = play.company[STEWARD.name].door, play.company["lead"].door
    depositor = play.company["depositor"].door
    label = {"value": {"classes": [LATIN]}, "comment": CHINESE}
    attempts = (
        lambda: steward.create(f"{play.hospital}/datasets", {"title": LATIN, "grade": ID_NUMBER}),
        lambda: steward.create(f"{play.hospital}/datasets", {LATIN: ID_NUMBER}),
        lambda: steward.get(f"/hospitals/{LATIN}/datasets"),
        lambda: steward.get(f"{play.hospital}/datasets/{ID_NUMBER}"),
        lambda: steward.get(f"{play.set_path}/items", after=CHINESE, limit=LATIN),
        lambda: depositor.put(
            f"{play.set_path}/deposits/{new_id()}/objects/{new_id()}", lambda: [LATIN.encode()]
        ),
        lambda: depositor.create(f"{play.set_path}/deposits", {"manifest": LATIN}),
        lambda: lead.create(f"{play.hospital}/tasks/{LATIN}/labels", label, {"If-Match": '"0"'}),
        lambda: lead.get(f"/{LATIN}/{ID_NUMBER}"),
        lambda: lead.with_token(LATIN).get("/me"),
    )
    for attempt in attempts:
        try:
            attempt()
        except ClientError as error:
            yield f"{error.status} {error.code} {error.message} {error.field}"


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R66")
@pytest.mark.requirement("R83")
def test_no_answer_and_nothing_kept_holds_a_planted_word(played):
    play, overheard = played

    refused = list(bad_requests(play))
    search = overheard.search
    heard = search.looked_at
    search.below(play.stage.folder, but=play.stage.folder / "parties" / "hospital")
    search.octets("refusals", "\n".join(refused).encode())

    assert [(where, word) for where, word in search.found] == []
    assert len(refused) == 10
    assert heard > 100
    assert {200, 201, 404, 422} <= overheard.statuses
