"""Mutated logs, checkpoints, cosignatures, proofs, receipts, passports, packages and packs.

Ten thousand here, `make torture` a hundred thousand and more: no lie is accepted by the library,
none by the stand-alone verifier, and both say the same every time.
"""

import os

import pytest
from assault import WEIGHTS, Assault
from mutations import MUTATIONS
from originals import FILE, Thing
from truth import is_true

SEED = int(os.environ.get("ATTACK_SEED", "20260117"))
COUNT = 10_000
SHARES = 4


@pytest.fixture(scope="module")
def assault():
    return Assault(SEED)


def everything(assault):
    return [thing for things in assault.things.values() for thing in things]


def test_both_judges_accept_what_is_attacked(assault):
    for thing in everything(assault):
        verdicts = assault.library.refuses(thing), assault.verifier.refuses(thing)

        assert verdicts == (None, None), thing.kind


def test_what_is_attacked_is_true_and_of_strangers_nothing_is(assault):
    world = assault.world

    for thing in everything(assault):
        assert is_true(world, thing) == (thing.kind != "archive"), thing.kind
    for log in (world.stranger, world.elsewhere):
        for thing in world._made(log):
            refused = assault.library.refuses(thing), assault.verifier.refuses(thing)
            assert None not in refused, thing.kind


@pytest.mark.requirement("R64")
@pytest.mark.requirement("R69")
@pytest.mark.parametrize("share", range(SHARES))
def test_no_mutation_is_accepted_and_both_judges_agree(assault, share):
    tally = assault.run(COUNT // SHARES, share, SHARES)

    assert tally.findings == []
    assert (tally.lies_accepted_by_library, tally.lies_accepted_by_verifier) == (0, 0)
    assert (tally.disagreements, tally.unforeseen) == (0, 0)
    assert tally.mutations == COUNT // SHARES
    # What claims nothing new is rare, or the attack would show little.
    assert tally.refused > 0.95 * tally.mutations
    assert set(tally.kinds) == set(WEIGHTS)


PROMISED = {
    "bit-flip", "truncation", "entries-reordered", "insertion", "fork", "rollback",
    "stale-checkpoint", "swapped-keys", "cosignature-forged", "cosignature-replayed",
    "wrong-origin", "non-canonical-blanks", "duplicate-keys", "huge-size", "control-character",
    "entries-reordered, signed by a stranger", "entries-reordered, signed by the operator",
}  # fmt: skip


def test_each_kind_is_attacked_in_each_way_that_fits(assault):
    met = {(assault.draw(number)[0]) for number in range(1, 4_000)}

    assert met == {way.name for way in MUTATIONS}
    assert met >= PROMISED
    assert len(met) > 70
    assert {kind for way in MUTATIONS for kind in way.kinds} == set(WEIGHTS)


def test_a_number_is_the_same_attack_again(assault):
    again = Assault(SEED)
    # Hedged signatures differ from run to run, where an attack signs anew.
    for number in range(60):
        (way, thing), (way2, thing2) = assault.draw(number), again.draw(number)
        assert (way, thing.kind, set(thing.files)) == (way2, thing2.kind, set(thing2.files))


def test_the_tally_sees_a_lie_a_quarrel_and_a_breakdown(assault):
    class Deaf:
        def refuses(self, _thing):
            return None

    class Faint:
        def refuses(self, _thing):
            raise RecursionError

    lie = Thing("checkpoint", {FILE: b"nothing of the kind\n"})
    found = []
    for library, verifier in ((Deaf(), Deaf()), (Deaf(), assault.verifier), (Faint(), Deaf())):
        made = Assault.__new__(Assault)
        made.world, made.library, made.verifier = assault.world, library, verifier
        tally = assault.run(0)
        made.judge(tally, "way", lie, "1:1")
        found.append(
            (
                tally.lies_accepted_by_library,
                tally.lies_accepted_by_verifier,
                tally.disagreements,
                tally.unforeseen,
            )
        )

    assert found == [(1, 1, 0, 0), (1, 0, 1, 0), (0, 0, 0, 1)]
