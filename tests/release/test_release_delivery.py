"""After the vote: downloads, recalls, and what is not to be found."""

from dataclasses import replace

import pytest
from refusals import refused
from room_parts import new_id

from policies.vocabulary import Role
from sandbox.acts import project_domain
from sandbox.errors import (
    Forbidden,
    Gone,
    NotFound,
    Unacceptable,
)
from sandbox.release import commands as c
from sandbox.release.delivery import fault_in_reason
from sandbox.release.views import Packages
from sandbox.scanning import identifiers_in


@pytest.mark.requirement("R48")
def test_only_its_recipient_downloads_it(house):
    release = house.released()
    other = house.another(Role.RECIPIENT)

    for who in (other, house.steward, house.lead, house.checker):
        refused(house, Forbidden, "forbidden", lambda who=who: house.download(who, release))
    assert house.download(house.recipient, release)


@pytest.mark.requirement("R48")
def test_nothing_is_handed_out_before_the_release(house):
    release = house.approved()
    packages = Packages(house.ledgers, house.blobs, house.serving)

    refused(house, Forbidden, "forbidden", lambda: house.download(house.recipient, release))
    with pytest.raises(NotFound):
        packages.sealed(house.release(release))


@pytest.mark.requirement("R47")
def test_a_recall_names_no_patient_to_those_who_read_it(house):
    release = house.released()
    reason = "Patient Zhang Wei, phone 13812345678, took back his consent."
    fault = fault_in_reason(reason, identifiers_in)
    recall = c.RecallRelease(**house.on_release(release), reason=reason, fault=fault)

    refused(house, Unacceptable, "identifier-found", lambda: house.perform(house.steward, recall))

    assert house.release(release).recall_reason is None
    assert fault_in_reason("A class was mixed up.", identifiers_in) is None


@pytest.mark.requirement("R60")
def test_a_recalled_release_is_gone_and_says_why(house):
    release = house.released()
    blank = c.RecallRelease(**house.on_release(release), reason=" ")
    recall = replace(blank, reason="A class was mixed up.")

    refused(house, Unacceptable, "reason-missing", lambda: house.perform(house.steward, blank))
    refused(house, Forbidden, "forbidden", lambda: house.perform(house.lead, recall))
    house.perform(house.steward, recall)

    refused(house, Gone, "release-recalled", lambda: house.download(house.recipient, release))
    with pytest.raises(Gone):
        Packages(house.ledgers, house.blobs, house.serving).sealed(house.release(release))
    assert house.release(release).recall_reason == "A class was mixed up."
    refused(house, Forbidden, "forbidden", lambda: house.perform(house.steward, recall))


def test_a_release_of_another_project_is_not_found(house):
    release = house.screened()
    foreign = new_id()
    command = c.InspectRelease(
        ledger="ab" * 16, domain=project_domain(foreign), project=foreign, release=release
    )

    refused(house, NotFound, "not-found", lambda: house.perform(house.checker, command))
