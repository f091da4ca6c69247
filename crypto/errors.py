"""The one error of this floor: a stable code, and words for people.

Every check here ends in `VerificationError` or in a value that may be believed; no `ValueError`
of a parser, `InvalidTag` of a cipher or `KeyError` of a table gets out. Bytes that came from
outside never stand in the message. `CODES` names every code; codes are never reused.
"""

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        "act-malformed": "an act's nonce, objects or terms are not of the agreed form",
        "base64-malformed": "not the one strict base64 form of these bytes",
        "checkpoint-malformed": "not a checkpoint: origin, size and root hash, one per line",
        "checkpoint-origin": "the checkpoint is of another log than its signer's",
        "checkpoint-unsigned": "a pinned log key has no valid line under the checkpoint",
        "chunk-altered": "a chunk fails its authentication tag",
        "commitment-mismatch": "the payload is not what was committed to",
        "consistency-proof": "the larger tree does not contain the smaller one",
        "context-mismatch": "wrong key or context, or an altered salt or commitment",
        "envelope-malformed": "not a DSSE envelope",
        "envelope-unsigned": "a required signature over the envelope is missing or wrong",
        "file-exposed": "a secret file is readable by others than its owner",
        "file-missing": "the secret file is not there or can't be read",
        "inclusion-proof": "the entry is not in the tree at that place",
        "key-destroyed": "the key was destroyed on purpose",
        "key-exists": "a key of that name was made before",
        "key-malformed": "not a key of this kind",
        "key-unknown": "no key of that name was ever made",
        "key-unwrap": "a wrapped key fails its tag: altered, moved, or under another parent",
        "length-invalid": "no sealed object has this length; it was cut or extended",
        "not-canonical": "the bytes are not the one canonical JSON form of their value",
        "note-malformed": "not a signed note",
        "note-signature": "a signature by a known key fails",
        "note-unsigned": "no known key signed the note",
        "padding-invalid": "length prefix and zeros do not agree with the padded size",
        "passphrase-wrong": "the passphrase does not open the root",
        "policy-malformed": "not a tlog-policy file",
        "proof-malformed": "not a tlog-proof",
        "range-invalid": "the range lies outside of the object",
        "request-malformed": "not an add-checkpoint request",
        "root-malformed": "not a root file, or one with costs outside of the accepted range",
        "seal-altered": "the seal does not open: wrong key, wrong place, or altered bytes",
        "signature-invalid": "the signature is not by that key over these bytes",
        "split-view-unproved": "the file does not show two histories of one log",
        "tile-malformed": "not a tile of that width, or not a tile's path",
        "tree-range": "the tree has no such leaf or size",
        "value-unsupported": "canonical JSON has no form for this value",
        "vkey-malformed": "not a verifier key of a supported type",
        "writer-closed": "the message was ended before",
    }
)


class VerificationError(Exception):
    """A check failed; `code` says which, and nothing was accepted."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = message or CODES[code]
        super().__init__(f"{code}: {self.message}")
