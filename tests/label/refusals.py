"""A refusal as it has to be: an error with its code, and one entry that tells of it."""

import json

import pytest

from sandbox.errors import SandboxError


def last_entry(house) -> dict:
    return json.loads(house.entries()[-1])


def refused(house, error: type[SandboxError], code: str, act) -> SandboxError:
    """The act is refused with the code, and the refusal is the ledger's last entry."""
    size = len(house.entries())
    with pytest.raises(error) as caught:
        act()
    assert caught.value.code == code
    assert len(house.entries()) == size + 1
    assert last_entry(house)["refusal"] == code
    return caught.value
