"""The key tree: wrapped by name and parent, rotated without loss, destroyed for good."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crypto import keytree, roots
from crypto.errors import VerificationError

EPOCH_1, EPOCH_2 = "hospital/h/epoch/1", "hospital/h/epoch/2"
PATH = [EPOCH_1, "dataset/d", "subject/s", "object/o"]


@pytest.fixture
def store():
    return keytree.MemoryKeyStore()


@pytest.fixture
def tree(store):
    tree = keytree.KeyTree(roots.LocalRoot(bytes(range(32))), store)
    for parent, name in zip([None, *PATH], PATH, strict=False):
        tree.create(name, parent)
    return tree


def code_of(act, *arguments):
    with pytest.raises(VerificationError) as refused:
        act(*arguments)
    return refused.value.code


def test_key_comes_back_by_its_name(tree):
    made = tree.create("object/new", "subject/s")

    assert tree.key("object/new") == made
    assert len(made) == 32
    assert tree.parent("object/new") == "subject/s"
    assert tree.parent(EPOCH_1) is None


def test_key_made_elsewhere_is_taken_in(tree):
    tree.adopt("object/given", "subject/s", bytes(32))

    assert tree.key("object/given") == bytes(32)
    assert code_of(tree.adopt, "object/short", "subject/s", bytes(31)) == "key-malformed"
    assert not tree.exists("object/short")


def test_name_is_given_once(tree):
    before = tree.key("object/o")

    assert code_of(tree.create, "object/o", "subject/s") == "key-exists"
    assert tree.key("object/o") == before


def test_key_stays_hidden_in_the_store(tree, store):
    keys = [tree.key(name) for name in PATH]
    blobs = b"".join(store.get(name) for name in PATH)

    assert not any(key in blobs for key in keys)


@pytest.mark.parametrize("name", PATH)
def test_flipping_any_bit_of_a_blob_is_noticed(tree, store, name):
    blob = store.get(name)
    for at in range(len(blob)):
        store.put(name, blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :])
        assert code_of(tree.key, name) in {"key-unwrap", "key-unknown"}


@pytest.mark.parametrize("name", PATH)
def test_blob_that_was_moved_to_another_name_does_not_open(tree, store, name):
    store.put("thief", store.get(name))

    assert code_of(tree.key, "thief") == "key-unwrap"


def test_blob_that_was_hung_under_another_parent_does_not_open(tree, store):
    tree.create("subject/t", "dataset/d")
    blob = store.get("object/o")

    store.put("object/o", blob.replace(b"subject/s", b"subject/t"))

    assert code_of(tree.key, "object/o") == "key-unwrap"


@pytest.mark.parametrize(
    "blob", [b"", b"\x01", b"\x01\xff\xff", b"\x02\x00\x00", b"\x01\x00\x01\xff"]
)
def test_blob_of_another_form_does_not_open(tree, store, blob):
    store.put("odd", blob)

    assert code_of(tree.key, "odd") in {"key-unwrap", "key-unknown"}


def test_parents_in_a_circle_are_refused(tree, store):
    store.put("a", b"\x01\x00\x01b" + bytes(60))
    store.put("b", b"\x01\x00\x01a" + bytes(60))

    assert code_of(tree.key, "a") == "key-unwrap"


@pytest.mark.usefixtures("tree")
def test_another_root_opens_nothing(store):
    other = keytree.KeyTree(roots.LocalRoot(bytes(32)), store)

    assert {code_of(other.key, name) for name in PATH} == {"key-unwrap"}


@pytest.mark.requirement("R76")
@pytest.mark.parametrize("at", range(4))
def test_destroying_a_key_destroys_all_below_and_nothing_above(tree, at):
    tree.destroy(PATH[at])

    assert [code_of(tree.key, name) for name in PATH[at:]] == ["key-destroyed"] * (4 - at)
    assert all(tree.key(name) for name in PATH[:at])


@pytest.mark.requirement("R76")
def test_destroyed_is_another_answer_than_unknown(tree, store):
    tree.destroy("object/o")
    tree.destroy("object/o")

    assert code_of(tree.key, "object/o") == "key-destroyed"
    assert code_of(tree.parent, "object/o") == "key-destroyed"
    assert code_of(tree.key, "object/never") == "key-unknown"
    assert code_of(tree.destroy, "object/never") == "key-unknown"
    assert store.get("object/o") == b"\x00"


def test_destroyed_name_does_not_come_back(tree):
    tree.destroy("object/o")

    assert code_of(tree.create, "object/o", "subject/s") == "key-exists"
    assert code_of(tree.create, "object/p", "object/o") == "key-destroyed"
    assert "object/o" not in list(tree.names())
    assert not tree.exists("object/o")


@pytest.mark.requirement("R85")
def test_rotation_keeps_every_key_and_destroys_the_old_epoch(tree):
    tree.create("dataset/e", EPOCH_1)
    before = {name: tree.key(name) for name in [*PATH[1:], "dataset/e"]}

    moved = tree.rotate(EPOCH_1, EPOCH_2)

    assert moved == 2
    assert {name: tree.key(name) for name in before} == before
    assert code_of(tree.key, EPOCH_1) == "key-destroyed"
    assert tree.parent(EPOCH_2) is None


@pytest.mark.requirement("R76")
def test_old_backup_does_not_bring_back_what_was_erased_before_the_rotation(tree, store):
    backup = store.get("dataset/d")
    tree.create("dataset/e", EPOCH_1)
    tree.destroy("dataset/d")
    tree.rotate(EPOCH_1, EPOCH_2)

    store.put("dataset/d", backup)

    assert code_of(tree.key, "dataset/d") == "key-destroyed"
    assert tree.key("dataset/e")


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R85")
def test_a_whole_old_store_opens_nothing_once_the_epoch_ended_at_the_provider():
    root, store = roots.LocalRoot(bytes(32)), keytree.MemoryKeyStore()
    tree = keytree.KeyTree(root, store)
    tree.begin_epoch(EPOCH_1)
    before = {name: tree.create(name, EPOCH_1) for name in ("dataset/d", "dataset/e")}
    old = keytree.MemoryKeyStore()
    old.put_all({name: store.get(name) for name in store.names("")})
    tree.destroy("dataset/d")

    tree.rotate(EPOCH_1, EPOCH_2)

    restored = keytree.KeyTree(root, old)
    assert {code_of(restored.key, name) for name in old.names("")} == {"key-destroyed"}
    assert tree.key("dataset/e") == before["dataset/e"]
    assert root.epochs() == [EPOCH_2]


def test_a_rotated_parent_below_the_top_takes_only_its_children_along(tree, store):
    tree.create("subject/t", "dataset/d")
    tree.destroy("subject/s")
    old = {name: store.get(name) for name in store.names("")}

    tree.rotate("dataset/d", "dataset/d2", "subject/")

    assert tree.parent("dataset/d2") == EPOCH_1
    assert tree.key("subject/t")
    store.put("subject/t", old["subject/t"])
    assert code_of(tree.key, "subject/t") == "key-destroyed"


def test_what_is_pruned_leaves_no_blob_behind(tree, store):
    tree.create("subject/t", "dataset/d")

    assert tree.prune("subject/s") == 2

    assert store.get("subject/s") == store.get("object/o") == b"\0"
    assert tree.key("subject/t")
    assert tree.prune("subject/s") == 1
    assert code_of(tree.prune, "subject/x") == "key-unknown"


@pytest.mark.parametrize("crash_after", range(4))
def test_rotation_goes_on_after_a_crash_at_any_write(crash_after):
    store = Failing()
    tree = keytree.KeyTree(roots.LocalRoot(bytes(32)), store)
    tree.create(EPOCH_1, None)
    before = {name: tree.create(name, EPOCH_1) for name in ("dataset/a", "dataset/b", "dataset/c")}
    store.writes_left = crash_after

    if crash_after < 3:
        with pytest.raises(OSError, match="no more"):
            tree.rotate(EPOCH_1, EPOCH_2)
    store.writes_left = 100
    tree.rotate(EPOCH_1, EPOCH_2)

    assert {name: tree.key(name) for name in before} == before
    assert code_of(tree.key, EPOCH_1) == "key-destroyed"


class Failing(keytree.MemoryKeyStore):
    """A store that gives up after so many writes."""

    writes_left = 100

    def put(self, name, blob):
        self._spend()
        super().put(name, blob)

    def put_all(self, blobs):
        self._spend()
        super().put_all(blobs)

    def add(self, name, blob):
        self._spend()
        super().add(name, blob)

    def _spend(self):
        if not self.writes_left:
            raise OSError("no more")
        self.writes_left -= 1


def test_store_erases_by_name(store):
    store.add("a", b"1")
    store.destroy("a")
    store.destroy("a")

    assert store.get("a") is None
    assert list(store.names("")) == []


def test_names_come_by_prefix_and_sorted(tree):
    tree.create("subject/a", "dataset/d")

    assert list(tree.names("subject/")) == ["subject/a", "subject/s"]


class Keys(RuleBasedStateMachine):
    """Whatever is made, moved, rotated or destroyed: the model knows which keys still open."""

    def __init__(self):
        super().__init__()
        self.tree = keytree.KeyTree(roots.LocalRoot(bytes(32)), keytree.MemoryKeyStore())
        self.made, self.parents, self.gone, self.count = {}, {}, set(), 0

    def alive(self, name):
        return name is None or (name not in self.gone and self.alive(self.parents[name]))

    def depth(self, name):
        return 0 if name is None else 1 + self.depth(self.parents[name])

    def below(self, name, above):
        return name is not None and (name == above or self.below(self.parents[name], above))

    def pick(self, data, *, root):
        names = [name for name in self.made if self.alive(name) and self.depth(name) < 6]
        return data.draw(st.sampled_from([None, *names] if root else names or [None]))

    def fresh(self):
        self.count += 1
        return f"key/{self.count}"

    @rule(data=st.data())
    def create(self, data):
        parent, name = self.pick(data, root=True), self.fresh()
        self.made[name], self.parents[name] = self.tree.create(name, parent), parent

    @rule(data=st.data())
    def rewrap(self, data):
        name, parent = self.pick(data, root=False), self.pick(data, root=True)
        if name is None or self.below(parent, name) or self.depth(parent) > 2:
            return
        self.tree.rewrap(name, parent)
        self.parents[name] = parent

    @rule(data=st.data())
    def rotate(self, data):
        name, successor = self.pick(data, root=False), self.fresh()
        if name is None:
            return
        self.tree.rotate(name, successor)
        self.parents[successor], self.made[successor] = self.parents[name], self.tree.key(successor)
        for child in self.made:
            # A child that was destroyed is a tombstone and stays where it was.
            if self.parents[child] == name and child not in self.gone:
                self.parents[child] = successor
        self.gone.add(name)

    @rule(data=st.data())
    def destroy(self, data):
        name = self.pick(data, root=False)
        if name is not None:
            self.tree.destroy(name)
            self.gone.add(name)

    @invariant()
    def exactly_the_living_open(self):
        for name, key in self.made.items():
            if self.alive(name) and self.depth(name) <= keytree.MAX_DEPTH:
                assert self.tree.key(name) == key
            elif not self.alive(name):
                assert code_of(self.tree.key, name) in {"key-destroyed", "key-unwrap"}


Keys.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestKeys = Keys.TestCase
