"""Two judges who share no code: what the library says of a thing, and what the verifier says.

The library has no program that reads a pack or a passport (the verifier is that program), so that
its judge is put together here from the library's parts, by the same documents. A judge accepts, or
refuses with a code; whatever else it raises is a finding of its own.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from originals import FILE, Thing, World
from small_files import zipped

from crypto import canonical, dsse, merkle, strict64, tiles, tlogproof, verifier
from crypto.checkpoint import Checkpoint, cosigners, open_checkpoint
from crypto.errors import VerificationError
from crypto.note import VerifierKey
from sandbox.errors import SandboxError
from sandbox.provenance import entry as entries
from sandbox.trust import Trust

Entry = Mapping[str, Any]


class Refused(Exception):
    """A rule of the documents that is checked here and nowhere else; the text is its code."""


def demand(holds: object, code: str) -> None:
    """Refuse unless it holds."""
    if not holds:
        raise Refused(code)


class Published:
    """A published folder as the store that `Trust` reads."""

    def __init__(self, ledger: str, found: Sequence[bytes]) -> None:
        self.ledger, self._entries = ledger, found

    def size(self) -> int:
        return len(self._entries)

    def entries(self, start: int, stop: int) -> list[bytes]:
        return list(self._entries[start:stop])


class Library:
    """What `crypto` and `sandbox` accept, with the attacked log's keys pinned."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pins = [VerifierKey.parse(line) for line in world.house.vkeys]
        self.witnesses = [witness.vkey for witness in world.witnesses]
        self.stewards = {world.house.person("steward").key.public_bytes}

    def refuses(self, thing: Thing) -> str | None:
        """The code of a refusal; None when the thing is accepted."""
        try:
            getattr(self, thing.kind)(thing)
        except (VerificationError, SandboxError) as error:
            return error.code
        except Refused as error:
            return str(error)
        return None

    # --- notes and proofs ----------------------------------------------------------------------
    def checkpoint(self, thing: Thing) -> None:
        open_checkpoint(thing.one, self.pins, complete=True)

    def cosigned(self, thing: Thing) -> None:
        open_checkpoint(thing.one, self.pins, complete=True)
        seen = {line.key for line in cosigners(thing.one, self.witnesses).signatures}
        demand(seen == set(self.witnesses), "witness-missing")

    def proof(self, thing: Thing) -> None:
        self._proved(_text(thing.one), thing.entry)

    def _proved(self, text: str, entry: bytes) -> tuple[int, Checkpoint]:
        proof = tlogproof.parse_proof(text)
        keys = self.pins
        if proof.extra is not None:
            keys = self._named(proof.extra)
        open_checkpoint(proof.checkpoint, keys, complete=True)
        return proof.index, tlogproof.check_proof(proof, entry, keys)

    def _named(self, keys_file: bytes) -> list[VerifierKey]:
        """The log's own keys, as it names them; the pinned ones are among them (5.3, 6.2)."""
        text = _text(keys_file)
        demand(text.endswith("\n"), "keys-malformed")
        keys = [VerifierKey.parse(line) for line in text[:-1].split("\n")]
        demand(len(set(keys)) == len(keys), "keys-malformed")
        demand(set(self.pins) <= set(keys), "log-keys-changed")
        return keys

    # --- logs ------------------------------------------------------------------------------------
    def log(self, thing: Thing) -> None:
        self._log(thing.files, thing.since)

    def _log(
        self, files: Mapping[str, bytes], since: bytes | None
    ) -> tuple[list[bytes], Checkpoint]:
        keys = self._named(_file(files, "keys"))
        head = open_checkpoint(_file(files, "checkpoint"), keys, complete=True)
        raw: list[bytes] = []
        tree = merkle.Tree()
        # No more is read than is there, whatever size was signed.
        for tile in tiles.tiles_between(0, min(head.size, 1 << 20)):
            if tile.level == 0:
                bundle = _file(files, tiles.entries_path(tile.index, tile.width))
                raw += tiles.decode_bundle(bundle, tile.width)
        tree.extend(map(merkle.leaf_hash, raw))
        self._tiles(files, tree, raw)
        trust = Trust(head.origin.rpartition("/")[2], self.stewards)
        if since is not None:
            kept = open_checkpoint(since, keys, complete=True)
            demand(kept.origin == head.origin, "checkpoint-origin")
            trust.verify_log(Published(trust.ledger, raw), keys, _text(since))
        trust.verify_log(Published(trust.ledger, raw), keys, _text(files["checkpoint"]))
        return raw, head

    @staticmethod
    def _tiles(files: Mapping[str, bytes], tree: merkle.Tree, raw: Sequence[bytes]) -> None:
        """Each hash tile is the tree's; each other file is the beginning of what is there."""
        for tile in tiles.tiles_between(0, tree.size):
            wanted = tiles.hash_tile(tree, tile.level or 0, tile.index, tile.width)
            demand(_file(files, tile.path) == wanted, "tile-differs")
        for name, octets in files.items():
            if name in {"checkpoint", "keys"}:
                continue
            tile = tiles.parse_path(name)
            if tile.level is None:
                part = raw[tile.index * tiles.WIDTH :][: tile.width]
                demand(len(part) == tile.width, "tile-unknown")
                demand(octets == tiles.encode_bundle(part), "tile-differs")
            else:
                wanted = tiles.hash_tile(tree, tile.level, tile.index, tile.width)
                demand(octets == wanted, "tile-differs")

    # --- receipts, passports, packages, packs ----------------------------------------------------
    def receipt(self, thing: Thing) -> None:
        record = canonical.decode(thing.one)
        demand(isinstance(record, dict), "receipt-malformed")
        bare = {name: value for name, value in record.items() if name != "part"}
        entry, _ = self._attested(bare)
        if "part" in record:
            self._part(record["part"], entry)

    def _attested(self, record: Any) -> tuple[Entry, Checkpoint]:
        demand(isinstance(record, dict), "receipt-malformed")
        demand(record.keys() == {"entry", "proof"}, "receipt-malformed")
        demand(all(isinstance(text, str) for text in record.values()), "receipt-malformed")
        octets = record["entry"].encode()
        entry = entries.read(octets)
        index, head = self._proved(record["proof"], octets)
        own = entry["index"] == index and head.origin.rpartition("/")[2] == entry["ledger"]
        demand(own, "entry-out-of-place")
        return entry, head

    @staticmethod
    def _part(part: Any, entry: Entry) -> None:
        whole = entry["outcome"].get("parts")
        demand(isinstance(part, dict) and whole, "receipt-part-malformed")
        demand(part.keys() == {"index", "commitment", "path"}, "receipt-part-malformed")
        demand(type(part["index"]) is int, "receipt-part-malformed")
        demand(isinstance(part["path"], list), "receipt-part-malformed")
        leaf = merkle.leaf_hash(_hex(part["commitment"]))
        path = [_hex(node) for node in part["path"]]
        merkle.verify_inclusion(part["index"], whole["count"], leaf, path, _hex(whole["root"]))

    def passport(self, thing: Thing) -> None:
        self._passport(thing.one)

    def _passport(self, octets: bytes) -> tuple[dict[str, Any], list[Checkpoint]]:
        document = canonical.decode(octets)
        demand(isinstance(document, dict), "passport-malformed")
        demand(document.keys() == {"envelope", "evidence"}, "passport-malformed")
        demand(isinstance(document["evidence"], list), "passport-malformed")
        proved = [self._attested(record) for record in document["evidence"]]
        found, heads = [entry for entry, _ in proved], [head for _, head in proved]
        _one_history(found, heads)
        envelope = document["envelope"]
        demand(isinstance(envelope, dict), "envelope-malformed")
        demand(envelope.keys() == {"payload", "payloadType", "signatures"}, "envelope-malformed")
        lines = envelope["signatures"]
        demand(isinstance(lines, list) and all(map(_is_line, lines)), "envelope-malformed")
        signed = dsse.verify(envelope, _signers(found, envelope))
        demand(signed.payload_type == dsse.IN_TOTO, "envelope-malformed")
        demand(len(signed.signers) == len(envelope["signatures"]), "envelope-malformed")
        statement = canonical.decode(signed.payload)
        _rests_on(found, statement, signed.payload)
        return statement, heads

    def package(self, thing: Thing) -> None:
        statement, _ = self._passport(_file(thing.files, "passport.json"))
        named = {s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
        own = {n: octets for n, octets in thing.files.items() if n != "passport.json"}
        demand({n: _sha(octets) for n, octets in own.items()} == named, "package-differs")

    def archive(self, thing: Thing) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(thing.one)) as archive:
                members = {one.filename: archive.read(one) for one in archive.infolist()}
        # A reader of strangers' ZIP files meets all of these, some of them by way of subclasses.
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError) as error:
            raise Refused("archive-malformed") from error
        demand(thing.one == zipped(members), "archive-not-canonical")
        self.pack(Thing("pack", members))

    def pack(self, thing: Thing) -> None:
        files = dict(thing.files)
        manifest = canonical.decode(_file(files, "manifest.json"))
        del files["manifest.json"]
        wanted = {"v", "ledger", "dataset", "created_at", "files"}
        demand(isinstance(manifest, dict) and manifest.keys() == wanted, "manifest-malformed")
        demand(type(manifest["v"]) is int and manifest["v"] == 1, "manifest-malformed")
        demand(verifier.TIME.fullmatch(str(manifest["created_at"])), "manifest-malformed")
        listed = {n: {"sha256": _sha(octets), "size": len(octets)} for n, octets in files.items()}
        demand(manifest["files"] == listed, "manifest-differs")
        folders: dict[str, dict[str, bytes]] = {}
        for name, octets in files.items():
            folder, _, rest = name.partition("/")
            folders.setdefault(folder, {})[rest] = octets
        demand(folders.keys() <= {"log", "proofs", "policy", "packages"}, "unknown-file")
        raw, head = self._log(folders.get("log", {}), None)
        found = [entries.read(octets) for octets in raw]
        self._of_dataset(found, manifest, folders)
        tree = merkle.Tree()
        tree.extend(map(merkle.leaf_hash, raw))
        for name, octets in folders.get("proofs", {}).items():
            index, at = self._proved(_text(octets), raw[int(name.removesuffix(".tlog-proof"))])
            demand(name == f"{index}.tlog-proof" and _same(tree, head, at), "log-forked")
        for name, octets in folders.get("packages", {}).items():
            statement, heads = self._passport(octets)
            demand(name == f"{statement['predicate']['release']}/passport.json", "unknown-file")
            demand(all(_same(tree, head, at) for at in heads), "log-forked")

    @staticmethod
    def _of_dataset(
        found: Sequence[Entry], manifest: Mapping[str, Any], folders: Mapping[str, Any]
    ) -> None:
        """The pack holds exactly what the dataset's acts ask for (evidence.md, 5)."""
        dataset = manifest["dataset"]
        demand(manifest["ledger"] == found[0]["ledger"], "evidence-of-another-dataset")
        mine = [e for e in found if e["objects"].get("dataset") == dataset and not e["refusal"]]
        demand(any(e["action"] == "dataset.create" for e in mine), "evidence-of-another-dataset")
        sealed = [e for e in found if e["action"] == "release.seal" and not e["refusal"]]
        signed = [e for e in mine if e["action"] == "approval.sign"]
        proofs = {f"{e['index']}.tlog-proof" for e in (*sealed, *signed)}
        demand(folders.get("proofs", {}).keys() == proofs, "proof-missing")
        passports = {f"{e['objects']['release']}/passport.json": e for e in sealed}
        demand(folders.get("packages", {}).keys() == passports.keys(), "passport-missing")
        for name, octets in folders.get("packages", {}).items():
            digest = passports[name]["outcome"]["digests"]["passport"]
            demand(digest == f"sha256:{_sha(octets)}", "passport-differs-from-log")
        for name, octets in folders.get("policy", {}).items():
            demand(name == f"{_sha(octets)}.json", "policy-misnamed")
        ruled = {e["ruling"]["policy"].removeprefix("sha256:") for e in found if e["ruling"]}
        demand(
            {f"{digest}.json" for digest in ruled} == folders.get("policy", {}).keys(),
            "policy-missing",
        )


class Verifier:
    """What the stand-alone verifier accepts, with the same keys pinned."""

    def __init__(self, world: World) -> None:
        self.pins = verifier.read_pins(world.house.vkeys)
        self.witnesses = verifier.read_pins([str(one.vkey) for one in world.witnesses])
        self.both = verifier.Pins((*self.pins.keys, *self.witnesses.keys))

    def refuses(self, thing: Thing) -> str | None:
        """The code of a refusal; None when the thing is accepted."""
        act: Callable[[Thing], str] = getattr(self, thing.kind)
        code, said = verifier.judged(lambda: act(thing))
        if code == verifier.SOUND:
            return None
        # A form that no check foresaw is refused, and still a fault of the verifier.
        return said if said.startswith("BROKEN malformed") else said.split()[1 if code == 1 else 2]

    def checkpoint(self, thing: Thing) -> str:
        verifier.check_note(verifier.parse_note(thing.one, FILE), (), self.pins, FILE)
        return ""

    def cosigned(self, thing: Thing) -> str:
        note = verifier.parse_note(thing.one, FILE)
        verifier.check_note(note, (), self.both, FILE)
        present = {(name, key_id) for name, key_id, _ in note.lines}
        if not {(key.name, key.key_id) for key in self.witnesses.keys} <= present:
            raise verifier.Broken("witness-missing", FILE)
        return ""

    def proof(self, thing: Thing) -> str:
        try:
            text = thing.one.decode()
        except UnicodeDecodeError as error:
            raise verifier.Broken("proof-malformed", FILE) from error
        verifier.check_proof(text, thing.entry, self.pins, FILE)
        return ""

    def log(self, thing: Thing) -> str:
        return verifier.verify_log_folder(verifier.Members(thing.files), self.pins, thing.since)

    def receipt(self, thing: Thing) -> str:
        return verifier._verify_file(thing.one, FILE, self.pins, None)

    passport = receipt
    archive = receipt

    def package(self, thing: Thing) -> str:
        return verifier.verify_package(verifier.Members(thing.files), self.pins)

    def pack(self, thing: Thing) -> str:
        return verifier._verify_file(zipped(thing.files), FILE, self.pins, None)


# --- what the documents say of passports and packs -----------------------------------------------
def _one_history(found: Sequence[Entry], heads: Sequence[Checkpoint]) -> None:
    demand(found, "passport-malformed")
    rising = all(former["index"] < entry["index"] for former, entry in pairwise(found))
    demand(rising, "passport-evidence-not-in-order")
    roots = {head.size: head.root for head in heads}
    demand(all(roots[head.size] == head.root for head in heads), "log-forked")


def _signers(found: Sequence[Entry], envelope: Mapping[str, Any]) -> list[bytes]:
    """Keys of the approving voters and of the worker whose signature is there."""
    granted = {e["index"]: e["signed"]["terms"] for e in found if "terms" in e.get("signed", {})}
    voters = {
        strict64.decode(e["signed"]["key"])
        for e in found
        if e["action"] == "release.vote" and e["signed"]["terms"]["verdict"] == "approve"
    }
    workers = {
        strict64.decode(terms["signing_key"])
        for terms in granted.values()
        if terms.get("role") == "worker"
    }
    ids = {line["keyid"] for line in envelope["signatures"]}
    signers = {f"sha256:{_sha(key)}" for key in voters | workers}
    demand({f"sha256:{_sha(key)}" for key in voters} <= ids <= signers, "envelope-signers-wrong")
    demand(any(f"sha256:{_sha(key)}" in ids for key in workers), "envelope-signers-wrong")
    return sorted(voters | workers)


def _rests_on(found: Sequence[Entry], statement: Any, payload: bytes) -> None:
    """What the release rests on is all there, and speaks of this statement (passport.md, 3)."""
    demand(isinstance(statement, dict), "statement-malformed")
    indices = {entry["index"] for entry in found}
    grants = {index for entry in found for index in entry["granted_by"]}
    demand({0} | grants <= indices, "grant-missing")
    acts = {entry["action"]: entry for entry in found}
    needed = {"release.request", "release.screen", "release.vote", "approval.sign"}
    demand(needed <= acts.keys(), "evidence-missing")
    predicate, digest = statement["predicate"], f"sha256:{_sha(payload)}"
    screened = acts["release.screen"]["outcome"]["digests"]
    demand(screened["statement"] == digest, "statement-differs-from-log")
    demand(screened["package"] == predicate["package"], "statement-differs-from-log")
    votes = [e["signed"]["terms"] for e in found if e["action"] == "release.vote"]
    demand(len(votes) >= 2, "votes-short")
    demand(all(vote["statement"] == digest for vote in votes), "statement-differs-from-log")
    members = [e["objects"].get("member") for e in found if e["action"] == "member.grant"]
    demand(predicate["recipient"] in members, "recipient-not-enrolled")


def _is_line(line: Any) -> bool:
    named = isinstance(line, dict) and line.keys() == {"keyid", "sig"}
    return named and all(isinstance(text, str) for text in line.values())


def _same(tree: merkle.Tree, head: Checkpoint, at: Checkpoint) -> bool:
    return at.origin == head.origin and at.size <= head.size and tree.root(at.size) == at.root


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    demand(name in files, "file-missing")
    return files[name]


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise Refused("not-utf8") from error


def _hex(text: Any) -> bytes:
    demand(isinstance(text, str) and verifier.HEX64.fullmatch(text), "not-hex")
    return bytes.fromhex(text)


def _sha(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
