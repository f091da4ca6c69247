"""Vectors of the log: Merkle proofs, notes, checkpoints, tiles, proofs of inclusion."""

import hashlib

from vector_parts import (
    DRAWN,
    ED25519,
    ED25519_KEY,
    ENTRIES,
    MLDSA,
    MLDSA_KEY,
    NOW,
    ORIGIN,
    WITNESS,
    WITNESS_KEY,
    Vector,
    flip,
    tree_of,
)

from crypto import merkle, strict64, tiles, tlogproof
from crypto.note import Ed25519Signer, signature_line
from crypto.treehead import Checkpoint


def inclusion(name: str, at: int, of: int, expect: str = "", **changed: object) -> Vector:
    tree = tree_of(ENTRIES)
    proof = [node.hex() for node in tree.inclusion(at, of)]
    made = {"kind": "inclusion", "index": at, "size": of, "leaf": tree.leaf(at).hex()}
    made |= {"proof": proof, "root": tree.root(of).hex()}
    return {"name": name, **made, **changed, "expect": expect or "inclusion-proof"}


def consistency(name: str, first: int, second: int, expect: str = "", **changed: object) -> Vector:
    tree = tree_of(ENTRIES)
    proof = [node.hex() for node in tree.consistency(first, second)]
    made = {"kind": "consistency", "old": first, "new": second, "old_root": tree.root(first).hex()}
    made |= {"proof": proof, "new_root": tree.root(second).hex()}
    return {"name": name, **made, **changed, "expect": expect or "consistency-proof"}


def merkle_vectors() -> list[Vector]:
    tree = tree_of(ENTRIES)
    path = [node.hex() for node in tree.inclusion(4, 11)]
    grown = [node.hex() for node in tree.consistency(6, 11)]
    other = merkle.leaf_hash(b"other").hex()
    node = merkle.node_hash(tree.leaf(0), tree.leaf(1)).hex()
    return [
        *(
            inclusion(f"leaf {i} of {s}", i, s, "ok")
            for i, s in ((0, 1), (4, 7), (10, 11), (4, 11))
        ),
        *(consistency(f"{o} to {n}", o, n, "ok") for o, n in ((0, 7), (4, 11), (6, 11), (7, 7))),
        inclusion("another leaf", 4, 11, leaf=other),
        inclusion("another index", 4, 11, index=5),
        inclusion("index is the size", 4, 11, index=11),
        inclusion("negative index", 4, 11, index=-1),
        inclusion("empty tree", 0, 1, size=0),
        inclusion("smaller size", 4, 11, size=8),
        inclusion("larger size", 4, 11, size=17),
        inclusion("no proof", 4, 11, proof=[]),
        inclusion("one hash short", 4, 11, proof=path[:-1]),
        inclusion("one hash too many", 4, 11, proof=[*path, other]),
        inclusion("hashes reversed", 4, 11, proof=path[::-1]),
        inclusion("short hash", 4, 11, proof=[path[0][:-2], *path[1:]]),
        inclusion("another root", 4, 11, root=other),
        inclusion("single leaf with a proof", 0, 1, proof=[other]),
        inclusion("a node passed off as a leaf", 0, 1, leaf=node, root=tree.root(2).hex(), size=2),
        consistency("another old root", 6, 11, old_root=other),
        consistency("another new root", 6, 11, new_root=other),
        consistency("another old size", 6, 11, old=5),
        consistency("shrinking", 6, 11, old=11, new=6),
        consistency("no proof", 6, 11, proof=[]),
        consistency("no proof from a whole subtree", 4, 11, proof=[]),
        consistency("one hash short", 6, 11, proof=grown[:-1]),
        consistency("one hash too many", 6, 11, proof=[*grown, other]),
        consistency("hashes reversed", 6, 11, proof=grown[::-1]),
        consistency("same size, other root", 7, 7, new_root=other),
        consistency("same size with a proof", 7, 7, proof=[other]),
        consistency("from nothing with a proof", 0, 7, proof=[other]),
        consistency("from nothing with a root", 0, 7, old_root=other),
    ]


def mldsa_line(head: Checkpoint, name: str = ORIGIN, start: int = 0, now: int = NOW) -> bytes:
    """The 0x06 field, its message spelled out byte by byte."""
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + now.to_bytes(8, "big")
    message += bytes([len(head.origin)]) + head.origin.encode() + start.to_bytes(8, "big")
    message += head.size.to_bytes(8, "big") + head.root
    label = f"ml-dsa {hashlib.sha256(message).hexdigest()}"
    return now.to_bytes(8, "big") + DRAWN.take(label, lambda: MLDSA_KEY.sign(message))


def witness_line(head: Checkpoint, text: str) -> bytes:
    signed = WITNESS_KEY.sign(f"cosignature/v1\ntime {NOW}\n{text}".encode())
    assert head.text() == text
    return NOW.to_bytes(8, "big") + signed


def head_of(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, tree_of(ENTRIES).root(size))


def noted(text: str, *lines: str) -> str:
    return f"{text}\n{''.join(lines)}"


def note_vectors() -> list[Vector]:
    text = "first line\n\nthird line, 安\n"
    line = signature_line(ED25519.vkey, ED25519_KEY.sign(text.encode()))
    bad = signature_line(ED25519.vkey, flip(ED25519_KEY.sign(text.encode()), 9))
    stranger = signature_line(WITNESS, bytes(72))
    key, peter = (
        str(ED25519.vkey),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    )
    peters = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFup"
        "LLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    cases = [
        ("one line", noted(text, line), "ok"),
        ("a line by a stranger besides", noted(text, stranger, line), "ok"),
        ("bad line of the known key besides a good one", noted(text, line, bad), "note-malformed"),
        ("a line of the known key twice", noted(text, line, line), "note-malformed"),
        ("a line of a stranger twice", noted(text, line, stranger, stranger), "note-malformed"),
        ("altered text", noted(text.replace("third", "Third"), line), "note-signature"),
        ("altered signature", noted(text, bad), "note-signature"),
        ("strangers only", noted(text, stranger), "note-unsigned"),
        ("no lines", text + "\n", "note-malformed"),
        ("no empty line", text.replace("\n\n", "\n") + line, "note-malformed"),
        ("no newline at the end", noted(text, line)[:-1], "note-malformed"),
        ("carriage return", noted(text.replace("line\n", "line\r\n"), line), "note-malformed"),
        ("hyphen for the dash", noted(text, line.replace("—", "-")), "note-malformed"),
        ("two spaces", noted(text, line.replace(" ", "  ", 1)), "note-malformed"),
        ("three words", noted(text, line.replace("\n", " x\n")), "note-malformed"),
        ("no name", noted(text, line.replace(ORIGIN, "")), "note-malformed"),
        ("plus in the name", noted(text, line.replace("/", "+", 1)), "note-malformed"),
        ("base64 without padding", noted(text, line.replace("=", "")), "note-malformed"),
        ("key id only", noted(text, f"— {ORIGIN} AAAAAA==\n"), "note-malformed"),
        ("65 lines", noted(text, line * 65), "note-malformed"),
        ("empty", "", "note-malformed"),
    ]
    made = [{"name": n, "note": note, "keys": [key], "expect": e} for n, note, e in cases]
    published = {"name": "published example", "note": peters, "keys": [peter], "expect": "ok"}
    odd = [
        ("vkey of another id", key.replace("+", "+0", 1)), ("vkey without type", f"{ORIGIN}+00000000+"),
        ("vkey with capitals", key.replace(ED25519.vkey.key_id.hex(), ED25519.vkey.key_id.hex().upper())),
        ("vkey with a space", key.replace(".", " ", 1)), ("vkey of an unknown type", "a+00000000+/w=="),
        ("vkey without key", f"{ORIGIN}+{ED25519.vkey.key_id.hex()}"), ("no vkey", ""),
    ]  # fmt: skip
    refused = [
        {"name": n, "note": noted(text, line), "keys": [k], "expect": "vkey-malformed"}
        for n, k in odd
    ]
    return [*made, published, *refused]


def checkpoint_vectors() -> list[Vector]:
    head, small = head_of(11), head_of(6)
    text = head.text()
    ed = signature_line(ED25519.vkey, ED25519_KEY.sign(text.encode()))
    pq = signature_line(MLDSA, mldsa_line(head))
    witness = signature_line(WITNESS, witness_line(head, text))
    both, one, pq_only = [str(ED25519.vkey), str(MLDSA)], [str(ED25519.vkey)], [str(MLDSA)]

    def signed(body: str) -> str:
        return noted(body, signature_line(ED25519.vkey, ED25519_KEY.sign(body.encode())))

    root = strict64.encode(head.root)
    elsewhere = Ed25519Signer("elsewhere.example/log", ED25519_KEY)
    other_head = signature_line(MLDSA, mldsa_line(small))
    late = (NOW + 1).to_bytes(8, "big") + mldsa_line(head)[8:]
    stray = signature_line(elsewhere.vkey, ED25519_KEY.sign(text.encode()))
    malformed = [
        ("leading zero", f"{ORIGIN}\n011\n{root}\n"), ("negative size", f"{ORIGIN}\n-1\n{root}\n"),
        ("size 2^63", f"{ORIGIN}\n{2**63}\n{root}\n"), ("extension line", f"{text}more\n"),
        ("no root", f"{ORIGIN}\n11\n"), ("short root", f"{ORIGIN}\n11\n{strict64.encode(head.root[:31])}\n"),
        ("empty tree with a root", f"{ORIGIN}\n0\n{root}\n"), ("no origin", f"\n11\n{root}\n"),
        ("size in other digits", f"{ORIGIN}\n１１\n{root}\n"),
    ]  # fmt: skip
    empty = Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT).text()
    cases = [
        ("both lines", noted(text, ed, pq), both, "ok"),
        ("both lines and a witness", noted(text, ed, pq, witness), both, "ok"),
        ("ml-dsa alone, pinned alone", noted(text, ed, pq), pq_only, "ok"),
        ("empty log", signed(empty), one, "ok"),
        ("witness alone", noted(text, ed, witness), [str(WITNESS)], "checkpoint-origin"),
        ("ml-dsa line missing", noted(text, ed), both, "checkpoint-unsigned"),
        ("ed25519 line missing", noted(text, pq), both, "checkpoint-unsigned"),
        ("no key pinned", noted(text, ed, pq), [], "checkpoint-unsigned"),
        ("ml-dsa over another size", noted(text, ed, other_head), both, "note-signature"),
        ("ml-dsa with another time", noted(text, ed, signature_line(MLDSA, late)), both, "note-signature"),
        ("ml-dsa of a subtree", noted(text, ed, signature_line(MLDSA, mldsa_line(head, start=1))), both, "note-signature"),
        ("ml-dsa by another name", noted(text, ed, signature_line(MLDSA, mldsa_line(head, "other.example"))), both, "note-signature"),
        ("ml-dsa altered", noted(text, ed, signature_line(MLDSA, flip(mldsa_line(head), 2000))), both, "note-signature"),
        ("ml-dsa cut", noted(text, ed, signature_line(MLDSA, mldsa_line(head)[:-1])), both, "note-signature"),
        ("ml-dsa as ed25519", noted(text, signature_line(ED25519.vkey, mldsa_line(head))), one, "note-signature"),
        ("another log's name", noted(text, ed, stray), [str(elsewhere.vkey)], "checkpoint-origin"),
        *((name, signed(body), one, "checkpoint-malformed") for name, body in malformed),
    ]  # fmt: skip
    return [{"name": n, "note": note, "keys": keys, "expect": e} for n, note, keys, e in cases]


def tile_vectors() -> list[Vector]:
    right = ["tile/0/000", "tile/0/x001/x234/067", "tile/0/x001/234.p/5", "tile/7/000.p/1",
             "tile/entries/x999/999", "tile/entries/000.p/255"]  # fmt: skip
    wrong = ["", "tile/8/000", "tile/-1/000", "tile/00/000", "tile/0/0", "tile/0/1000", "tile/0/x000/001",
             "tile/0/001/234", "tile/0/x001", "tile/0/x001/234.p/0", "tile/0/x001/234.p/256",
             "tile/0/x001/234.p/005", "tile/0/x001/234.p/", "tile/0/000/", "/tile/0/000",
             "tile/0/../../etc", "tile/0/000\n", "tile/data/000", "tile/0/００0", "TILE/0/000"]  # fmt: skip
    bundle = tiles.encode_bundle(ENTRIES)
    bundles = [
        ("eleven entries", bundle, 11, "ok"), ("an empty entry", b"\0\0", 1, "ok"),
        ("cut in an entry", bundle[:-1], 11, "tile-malformed"),
        ("cut in a length", bundle + b"\0", 11, "tile-malformed"),
        ("another width", bundle, 12, "tile-malformed"), ("no entry", b"", 0, "tile-malformed"),
        ("257 entries", b"\0\0" * 257, 257, "tile-malformed"),
        ("a length past the end", b"\xff\xff" + bundle, 12, "tile-malformed"),
    ]  # fmt: skip
    paths = [(p, "ok") for p in right] + [(p, "tile-malformed") for p in wrong]
    return [
        *({"name": f"path {p!r}", "kind": "path", "path": p, "expect": e} for p, e in paths),
        *({"name": n, "kind": "bundle", "octets": o.hex(), "width": w, "expect": e} for n, o, w, e in bundles),
    ]  # fmt: skip


def proof_vectors() -> list[Vector]:
    tree, head = tree_of(ENTRIES), head_of(11)
    text = head.text()
    note = noted(text, signature_line(ED25519.vkey, ED25519_KEY.sign(text.encode())))
    good = tlogproof.format_proof(4, tree.inclusion(4, 11), note)
    extra = tlogproof.format_proof(4, tree.inclusion(4, 11), note, b"anything")
    first = good.split("\n")[2]
    cases = [
        ("entry 4", good, 4, "ok"), ("with extra", extra, 4, "ok"),
        ("another entry", good, 5, "inclusion-proof"),
        ("another index", good.replace("index 4", "index 5"), 4, "inclusion-proof"),
        ("a hash missing", good.replace(first + "\n", ""), 4, "inclusion-proof"),
        ("a hash twice", good.replace(first, f"{first}\n{first}"), 4, "inclusion-proof"),
        ("altered checkpoint", good.replace("\n11\n", "\n12\n"), 4, "note-signature"),
        ("another first line", good.replace("@v1", "@v2"), 4, "proof-malformed"),
        ("no index", good.replace("index 4\n", ""), 4, "proof-malformed"),
        ("index with a zero", good.replace("index 4", "index 04"), 4, "proof-malformed"),
        ("index with a sign", good.replace("index 4", "index +4"), 4, "proof-malformed"),
        ("short hash", good.replace(first, first[4:]), 4, "proof-malformed"),
        ("extra after index", extra.replace("extra ", "index 4\nextra "), 4, "proof-malformed"),
        ("extra twice", extra.replace("extra ", "extra AAAA\nextra "), 4, "proof-malformed"),
        ("extra not base64", extra.replace("extra ", "extra !"), 4, "proof-malformed"),
        ("no checkpoint", good.partition("\n\n")[0], 4, "proof-malformed"),
        ("64 hashes", good.replace(first, "\n".join([first] * 64)), 4, "proof-malformed"),
        ("empty", "", 4, "proof-malformed"),
    ]  # fmt: skip
    return [
        {
            "name": n,
            "proof": p,
            "entry": ENTRIES[i].decode(),
            "keys": [str(ED25519.vkey)],
            "expect": e,
        }
        for n, p, i, e in cases
    ]
