"""A name, an ID number and a telephone number in every input field of every route.

Whatever is made of a request, nothing of it gets into a log: not into an entry, done or refused,
not into a receipt, and not into what the processes say of themselves. Titles and names of accounts
are kept, as they must be; they stand in rows, never in the log. An id is 32 hex digits of the
asker's own drawing and holds no word; that it is drawn at random, nobody can see.
"""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from planted_fields import DOCUMENT, MARKERS, Garden
from town import Person, Town

from api.client.http import new_id

sys.path.insert(0, str(Path(__file__).parents[1] / "journey"))
from canaries import Search, forms

ROUTES = sorted(
    ((method, path) for path, methods in DOCUMENT["paths"].items() for method in methods),
    key=lambda route: route[0] == "delete",
)
"""Those that end something come last."""
COSTLY = {
    "/v1/sessions",
    "/v1/setup",
    "/v1/invitations/accept",
    "/v1/totp/confirm",
    "/v1/totp/renew",
}
"""These cost a password hash each, and delay who fails: a few words are enough."""
ENDS = ("/v1/sessions/current",)


class Field:
    """A town with some rows in it, and those who ask there."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder, requests_per_s=100_000, request_burst=1_000_000)
        self.operator = self.town.found()
        self.steward = self.town.enrolled(self.operator, "stella")
        self.ledger = self.town.hospital(self.operator, self.steward)
        self.other = self.town.enrolled(self.operator, "otto")
        self.town.grant(self.steward, self.ledger, self.other, "labeller")
        self.http = httpx.Client(base_url=self.town.url, trust_env=False, timeout=60)
        self.search = Search({word: forms(word) for word in MARKERS})
        self.passed: set[tuple[str, str]] = set()
        self.asked = 0
        self.known = self._known()

    def _known(self) -> dict[str, str]:
        card = self.steward.door.get(f"/accounts/{self.other.account}")
        member = self.steward.door.get(f"/hospitals/{self.ledger}/pseudonyms/{self.other.account}")
        dataset = self._made("datasets", {
            "title": "Chest", "owner": "Hospital", "contract": "EP-1", "ethics_approval": "IRB-1",
            "contract_expires_at": "2099-01-01T00:00:00Z", "ethics_expires_at": "2099-01-01T00:00:00Z",
            "legal_basis": "contract", "purpose": "research", "retain_until": "2099-01-01T00:00:00Z",
            "category": "general", "grade": 3, "recipe": "basic",
        })["dataset"]  # fmt: skip
        return {
            "ledger": self.ledger, "dataset": dataset, "account": self.other.account,
            "member": member["member"], "steward": self.steward.account, "project": new_id(),
            "signing_key": card["signing_key"], "sealing_key": card["sealing_key"],
        }  # fmt: skip

    def _made(self, what: str, body: dict) -> dict:
        return self.steward.door.create(f"/hospitals/{self.ledger}/{what}", body)

    def ask(self, method: str, template: str, who: Person) -> None:
        """Every planted request of one route; what is answered is searched, too."""
        for planted in Garden(self.known, who.keys or self.steward.keys).all(template, method):
            if template in COSTLY and self.asked % 7:
                self.asked += 1
                continue
            headers = {"Authorization": f"Bearer {who.door.token}", **planted.headers}
            answer = self.http.request(
                method, planted.path, content=planted.content, headers=headers
            )
            self.asked += 1
            assert answer.status_code < 500, (planted, answer.text)
            where = f"{method} {template} {planted.field}"
            if answer.status_code >= 400:
                self.search.octets(f"refusal of {where}", answer.content)
            elif method != "get":
                self.passed.add((f"{method} {template}", planted.field))
                self.search.octets(f"receipt of {where}", _receipt(answer))

    def look(self) -> None:
        """Search entries as they are stored, and the published logs."""
        for ledger in ("platform", self.ledger):
            for index, entry in enumerate(self.town.entries(ledger)):
                self.search.octets(f"entry {index} of {ledger}", entry)
        self.search.below(self.town.folder / "log")

    def close(self) -> None:
        self.http.close()
        self.town.close()


def _receipt(answer: httpx.Response) -> bytes:
    if not answer.headers.get("content-type", "").endswith("json"):
        return b""
    return json.dumps(answer.json().get("receipt"), ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def field(tmp_path_factory) -> Iterator[Field]:
    made = Field(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.mark.requirement("R66")
def test_nothing_planted_in_any_field_gets_into_a_log(field, caplog):
    caplog.set_level(logging.DEBUG)
    for method, template in ROUTES:
        if template in ENDS:
            continue
        for who in (field.steward, field.operator):
            field.ask(method, template, who)

    field.look()
    said = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("anbiao"))
    field.search.octets("what processes say", said.encode())

    assert field.search.found == []
    assert field.asked > 3_000
    assert len(field.town.entries(field.ledger)) > 100
    taken = {name for _, name in field.passed}
    assert {"title", "owner", "name", "contract"} <= taken, sorted(field.passed)
