"""One pattern for the whole of an entry that no person signed: its form, at the matcher's speed.

Every act is checked as it is built, and field by field that was a quarter of the time an act
takes. What matches here has the form of docs/spec/provenance-log.md 2.2 to 2.8, but for the order
of its two lists; what does not match is looked at field by field (`entry.fault_in`), which also
knows what to call the fault. Quantifiers are possessive: no input makes the matcher go back.
"""

import re
from collections.abc import Iterable
from typing import Final

from policies.vocabulary import Action, Role

# No blank and nothing outside ASCII: names of people and sentences don't pass.
WORD: Final = r"[A-Za-z0-9][A-Za-z0-9._:/+>,()=-]{0,127}+"
_TEXT: Final = f'"{WORD}"'
_HEX32: Final = "[0-9a-f]{32}"
_HEX64: Final = "[0-9a-f]{64}"
_DIGEST: Final = f'"sha256:{_HEX64}"'
_COUNT: Final = "(?:0|[1-9][0-9]{0,14}+)"  # of 16 digits some are too large: field by field
_TIME: Final = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"'


def _one_of(words: Iterable[str]) -> str:
    return '"(?:' + "|".join(sorted(map(re.escape, words))) + ')"'


def _list(member: str) -> str:
    return rf"\[(?:{member}(?:,{member})*+)?+\]"


def _map(member: str, *, least: int = 0) -> str:
    pair = f"{_TEXT}:{member}"
    pairs = f"{pair}(?:,{pair})*+"
    return rf"\{{{pairs}\}}" if least else rf"\{{(?:{pairs})?+\}}"


def _members(*members: tuple[str, str]) -> str:
    """An object that has some of these, in this order, none of them empty."""
    # A comma stands before each but the first: the place behind the brace tells.
    some = "".join(
        rf'(?:(?<!\{{),"{name}":{form}|(?<=\{{)"{name}":{form})?+' for name, form in members
    )
    return rf"\{{{some}\}}"


_FACT: Final = f'(?:true|false|null|-?{_COUNT}|""|{_TEXT}|{_list(_TEXT)})'
_OUTCOME: Final = _members(
    ("codes", _map(_TEXT, least=1)),
    ("commitments", _map(f'"{_HEX64}"', least=1)),
    ("counts", _map(_COUNT, least=1)),
    ("digests", _map(_DIGEST, least=1)),
    ("objects", _map(_TEXT, least=1)),
    ("parts", rf'\{{"count":{_COUNT},"root":"{_HEX64}"\}}'),
    ("states", _map(_TEXT, least=1)),
)
_ALLOWED: Final = rf'\{{"allowed":true,"policy":{_DIGEST},"rule":{_TEXT}\}}'
_RULING: Final = rf'(?:null|\{{"allowed":(?:true|false),"policy":{_DIGEST},"rule":{_TEXT}\}})'


def _entry(outcome: str, refusal: str, ruling: str) -> str:
    members = (
        ("action", _one_of(Action)),
        ("actor", f'"(?:system|{_HEX32})"'),
        ("at", _TIME),
        ("clock", '"system"'),
        ("domain", f'"(?:hospital|platform|project:{_HEX32})"'),
        ("facts", _map(_FACT)),
        ("granted_by", _list(_COUNT)),
        ("index", _COUNT),
        ("ledger", f'"(?:platform|{_HEX32})"'),
        ("objects", _map(_TEXT)),
        ("organisation", _TEXT),
        ("outcome", outcome),
        ("prev", _DIGEST),
        ("refusal", refusal),
        ("roles", _list(_one_of(Role))),
        ("ruling", ruling),
        ("v", "1"),
    )
    return r"\{" + ",".join(f'"{name}":{form}' for name, form in members) + r"\}"


_PLAIN: Final = re.compile(_entry(_OUTCOME, "null", _ALLOWED).encode())
_REFUSED: Final = re.compile(_entry(r"\{\}", _TEXT, _RULING).encode())


def is_plain(octets: bytes) -> bool:
    """Whether these bytes are an unsigned entry's, its lists' order and doubled names aside."""
    return _PLAIN.fullmatch(octets) is not None or _REFUSED.fullmatch(octets) is not None
