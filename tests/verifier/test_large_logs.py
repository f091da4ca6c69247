"""A log larger than memory is read twice: what is judged is what was hashed, or it is refused."""

import pytest
from small_hospital import SmallHospital
from verdicts import pins_of

from crypto import verifier
from crypto.merkle import Tree, leaf_hash


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.label()
    while len(log.raw) < 600:
        log.submit("labeller")
    return log


def read(source: verifier.Source, house: SmallHospital) -> verifier.Log:
    """The log, every bundle of which is read again, as in one of millions."""
    return verifier.verify_log(source, pins_of(house), room=0)


def test_entries_read_again_are_the_entries(house):
    log = read(verifier.Members(house.files()), house)

    assert list(log.raw) == house.raw
    assert len(log.raw) == 600
    assert [log.raw[0], log.raw[255], log.raw[256], log.raw[-1]] == [
        house.raw[index] for index in (0, 255, 256, 599)
    ]
    assert log.raw[250:260] == house.raw[250:260]
    assert log.raw[:] == house.raw
    with pytest.raises(IndexError):
        log.raw[600]
    verifier.read_story(log, pins_of(house))


def test_root_of_every_size_is_the_tree_s(house):
    log = read(verifier.Members(house.files()), house)
    tree = Tree()
    tree.extend(leaf_hash(entry) for entry in house.raw)

    for size in (0, 1, 2, 255, 256, 257, 511, 512, 513, 599, 600):
        assert log.levels.root(size) == tree.root(size)


class Changing(verifier.Members):
    """Files of which one becomes another after it was read once."""

    def __init__(self, files: dict[str, bytes], name: str, later: bytes) -> None:
        super().__init__(files)
        self._name, self._later, self._read = name, later, False

    def read(self, name: str) -> bytes:
        if name == self._name and self._read:
            return self._later
        self._read = self._read or name == self._name
        return super().read(name)


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"])
@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda b: b[:-1], lambda b: b.replace(b"a", b"b", 1)]
)
def test_a_bundle_that_changes_between_two_readings_is_named(house, name, damage):
    files = house.files()
    source = Changing(files, name, damage(files[name]))

    with pytest.raises(verifier.Broken) as caught:
        verifier.read_story(read(source, house), pins_of(house))

    assert (caught.value.code, caught.value.where) == ("file-changed-meanwhile", name)
