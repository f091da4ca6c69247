"""Latin names: English ones, and Chinese ones in pinyin.

What gives them away: a title, a label, a relation or a degree beside them, the form `SURNAME,
First`, a common given name before another capitalised word, pinyin in the order of Chinese
names. Terms of medicine that are people's names (Parkinson disease, Hodgkin lymphoma) stay.
"""

import re
from collections.abc import Iterator
from functools import cache

from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.words import words

_CAP = (
    r"[A-ZÀ-ÞĀ-Ž][a-zß-ÿĀ-ž'’]{0,24}(?:[A-Z][a-zß-ÿĀ-ž]{1,24})?(?:-[A-ZÀ-ÞĀ-Ž][a-zß-ÿĀ-ž'’]{1,24})?"
)
_UPPER = r"[A-ZÀ-ÞĀ-Ž]{2,24}(?:['’\-][A-ZÀ-ÞĀ-Ž]{1,24}){0,2}"
_INITIAL = r"[A-Z]\."
_PIECE = rf"(?:{_UPPER}(?![a-z])|{_CAP})"
_PARTICLE = r"(?:(?:van|von|de|da|del|di|la|le|bin|al|el|ter|der|den|dos|du|St\.?) ){0,2}"
_FULL = rf"{_PIECE}(?:[ ](?:{_INITIAL}|{_PARTICLE}{_PIECE})){{0,3}}"
_WRAPPED = rf"(?:{_CAP}\n{_CAP}(?![a-z:])|{_FULL})"

_WEAK = re.compile(
    r"(?:[Pp]atient|[Pp]t|[Ii]nformed|[Nn]otified|[Rr]esident|[Oo]perator|Hi|Hello)"
    r"[ ]{1,3}[\"'(]{0,2}$"
)
_TITLED = re.compile(
    rf"\b(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Professor|Doctor|Sister|Nurse(?: Practitioner)?|Sr|"
    rf"Rev|Fr|Capt|Sgt|Lt|Col|Judge|Dame|Lord|Lady|Uncle|Aunt|Auntie|Grandma|"
    rf"Grandpa)\b\.?[ \n]{{1,2}}"
    rf"(?P<n>(?:{_INITIAL} ?){{0,3}}{_WRAPPED}(?:, ?[A-Z]\b\.?)?|(?:{_INITIAL} ?){{2,3}})",
    re.ASCII,
)
_LABELLED = re.compile(
    r"(?:(?:[Pp]atient(?: [Nn]ame)?|PATIENT(?: NAME)?|PAT[lI]ENT\s+NAME|[Pp]t|PT|"
    r"[Nn]ame(?: given as)?|NAME|[Ss]urname|[Ff]irst [Nn]ame|[Ll]ast [Nn]ame|"
    r"[Mm]other'?s? [Nn]ame|[Cc]lient|CLIENT|[Ss]ubject|[Aa]ttending|"
    r"[Oo]rdering(?: [Pp]hysician)?|[Rr]eferring(?: (?:[Pp]hysician|MD))?|"
    r"[Dd]ictated(?: by)?|[Tt]yped(?: by)?|[Ss]igned(?: (?:electronically|off|by))*|"
    r"[Ee]lectronically signed by|[Rr]ead by|[Rr]eported by|[Rr]eviewed by|[Vv]erified by|"
    r"[Pp]erformed by|[Ii]nterpreted by|[Tt]ranscribed by|[Aa]uthor|[Pp]rovider|"
    r"[Ss]urgeon|[Aa]ssistant|[Aa]nesthesi(?:a|ologist)(?: by)?|[Tt]ech(?:nologist|"
    r"nician)?|"
    r"[Rr]adiologist|[Pp]athologist|[Oo]perator|[Ww]itness(?:ed by)?|[Cc]onsultant|"
    r"[Ff]ellow|[Rr]esident|[Rr]egistrar|[Cc]ashier|[Cc]ontact|[Gg]uarantor|"
    r"[Nn]ext of [Kk]in|NOK|"
    r"PCP|PI|CRC|[Cc]aregiver|[Ii]nterpreter|[Cc]oordinator|[Rr]eported|[Aa]ccount holder|"
    r"[Ii]nsured|[Hh]older|[Rr]equested by|[Ss]een by|[Cc]c|To|Attn|Dear|"
    r"Re)\s{0,3}[:#=]\s{0,8}"
    r"|(?:Dear|[Ss]igned(?: by)?|[Dd]ictated by|[Tt]yped by|[Rr]eported by|[Rr]ead by|"
    r"[Rr]eviewed by|[Vv]erified by|[Pp]erformed by|[Ss]een by|[Aa]ccompanied by|"
    r"[Ii]nterpreted by|"
    r"[Nn]amed|[Cc]alled|[Mm]y name is|[Mm]aiden name is|[Nn]ame is|Hi|Hello|I am|"
    r"[Nn]ame given as|known as|goes by|"
    r"[Aa]ttending|[Pp]atient|[Pp]t|Baby (?:girl|boy)|fellow|resident|cashier|Cashier|"
    r"Nurse|chaplain|interpreter|[Oo]perator|"
    r"Tech|RN|signed electronically:?|discussed with|spoke with|d/w|informed|notified)[ ]{1,3}"
    r"|患者\s?[::]?\s?|病人[::]?\s?|姓名[::]?\s?|医[师生][::]\s?|"
    r"翻译(?:志愿者)?\s?[::]?\s?|主任\s?|联系人[::]?\s?)"
    rf"[\"'(“‘\[]{{0,2}}(?P<n>{_UPPER}, ?{_WRAPPED}|{_CAP}, (?:{_CAP}|[A-Z])\b(?! (?:and|"
    rf"or))|(?:{_INITIAL} ?){{1,3}}{_WRAPPED}|{_WRAPPED}|(?:{_INITIAL} ?){{2,3}}|"
    rf"[A-Z]{{2,3}}\b)",
    re.ASCII,
)
_KIN = re.compile(
    r"\b(?:[Ww]ife|[Hh]usband|[Ss]on|[Dd]aughter|[Mm]other|[Ff]ather|[Mm]om|[Mm]um|[Dd]ad|"
    r"[Bb]rother|[Ss]ister|[Ss]ibling|[Pp]artner|[Ss]pouse|[Ff]riend|[Nn]eighbou?r|"
    r"[Uu]ncle|[Aa]unt|"
    r"[Nn]iece|[Nn]ephew|[Cc]ousin|[Gg]rand(?:son|daughter|mother|father|child|ma|pa)|"
    r"[Cc]aregiver|[Cc]arer|[Gg]uardian|[Tt]win|[Ff]ianc[eé]e?|[Gg]irlfriend|[Bb]oyfriend|"
    r"[Nn]urse|[Cc]haplain)"
    rf",?(?: in sibling)? (?:named |called |\(|in )?(?P<n>{_CAP}(?: {_CAP}){{0,2}})",
    re.ASCII,
)
_DEGREE = re.compile(
    rf"(?P<n>(?:{_INITIAL} ?){{0,2}}{_FULL}),? (?:MD|M\.D\.|DO|RN|R\.N\.|NP|PA-C|PA|PhD|"
    rf"Ph\.D\.|MBBS|FRCR|FRCS|FACR|MRCP|DDS|LPN|RT|PT|OT|CRNA|PharmD|LCSW|MBChB|"
    rf"Radiologist)\b(?!-?\d)",
    re.ASCII,
)
_REVERSED = re.compile(
    r"(?<![A-Za-z\-,/])(?P<n>[A-ZÀ-ÞĀ-Ž]{3,24}(?:['’\-][A-ZÀ-ÞĀ-Ž]{1,24}){0,2}, ?"
    r"(?:[A-ZÀ-ÞĀ-Ž]{3,24}|"
    r"[A-Z][a-z]{2,24})(?: [A-Z]\b\.?)?)"
    r"(?=[ \t]*(?:\n|$|[(;|/]|\s{2,}|[MF]\b|DOB|MRN|ID))",
    re.ASCII,
)
_COMMA = re.compile(rf"(?P<n>\b{_CAP}, {_CAP})(?= ?\(|,? (?:seen|DOB|MRN|[MF]\b|\d))", re.ASCII)
_INITIALLED = re.compile(rf"(?<![A-Za-z\d.]){_INITIAL} ?(?:{_INITIAL} ?)?(?P<s>{_CAP})(?![a-z])")
_ALONE = re.compile(
    rf"(?:(?<=\n)|^|(?<=, )|"
    rf"(?<=\n ))(?P<n>{_CAP} (?:{_INITIAL} )?{_PARTICLE}{_CAP})(?=,? (?:bed|rm|room|"
    rf"passport|DOB|dob|MRN|\d{{2}} ?[yMF/]|\(\d)|,? ?\(?\d{{1,3}}[ -]?(?:y|M\b|F\b))"
    rf"|[Ll]abell?ed [\"“'](?P<l>{_CAP},? ?(?:{_CAP}|[A-Z])?)",
    re.ASCII,
)
_TWO_INITIALS = re.compile(
    r"(?:[Pp]t|[Pp]atient|[Ii]nitials|缩写|受试者)[: ]{0,2}(?P<n>[A-Z]\. ?[A-Z]\.(?: ?[A-Z]\.)?|"
    r"[A-Z]{2,4}\b)",
    re.ASCII,
)
_TYPED = re.compile(
    r"(?:[Tt]yped|[Tt]ranscribed|[Dd]ictated|[Ss]igned|[Ii]nitials|"
    r"缩写)(?: by)?[: ]{0,2}(?P<n>[A-Z]{2,3})\b(?![A-Za-z])",
    re.ASCII,
)
_CARET = re.compile(
    rf"(?P<n>\b(?:{_UPPER}|{_CAP})\^(?:{_UPPER}|{_CAP}|[A-Z])(?:\^(?:{_UPPER}|{_CAP}|"
    rf"[A-Z]))?)(?=[\^|=\s]|$)",
    re.ASCII,
)
_CLOSING = re.compile(
    rf"(?:[Yy]ours (?:sincerely|faithfully|truly)|[Kk]ind regards|[Bb]est (?:regards|"
    rf"wishes)|[Ss]incerely|[Rr]egards|[Cc]heers|[Tt]hanks|"
    rf"Signed),?[ \t]*\n+[ \t]*(?P<n>(?:{_INITIAL} ?){{0,2}}{_FULL})"
)
_QUOTED_NICK = re.compile(
    rf"\([\"“'](?P<n>{_CAP})[\"”']\)|[\"“'](?P<q>{_CAP})['’]s\b|\((?P<p>{_CAP}) to friends\)",
    re.ASCII,
)
_PAIR = re.compile(
    rf"\b(?P<f>{_CAP})(?: (?:{_INITIAL}|{_CAP}))? (?P<s>{_PARTICLE}{_CAP})", re.ASCII
)
_UPPER_PAIR = re.compile(rf"\b(?P<f>{_UPPER}) (?P<s>{_UPPER})\b", re.ASCII)
_FORM = re.compile(
    r"\b(?:asked me|says|said|reports|denies|states|emailed|called|phoned)\b", re.ASCII
)
_SELF = re.compile(rf"\b[Tt]his is (?P<n>{_CAP})(?= (?:from|calling|speaking)\b)", re.ASCII)
_RELATED = re.compile(
    rf"\((?P<n>{_CAP}(?: {_CAP})?), (?:(?:his|her|their) )?(?:son|daughter|wife|husband|"
    r"mother|father|sister|brother|partner|friend|niece|nephew|neighbou?r)\b",
    re.ASCII,
)
_ACTOR = re.compile(
    rf"(?:^|[.:\n(] ?)(?P<n>{_CAP})(?=(?: (?:says|said|states|stated|emailed|called|phoned|"
    rf"texted|asked|writes|wrote)\b|, who (?:asked|said|says|is|was|has|lives|works)\b|"
    rf", yeah\b))",
    re.ASCII,
)

_EPONYM_USE = re.compile(
    r"(?:['’]s)?(?:[ -](?:plus|like|type|class|score|scale|index|grade|stage|staging|"
    r"criteria|classification|disease|diseases|syndrome|syndromes|lymphoma|sarcoma|"
    r"tumou?r|sign|test|"
    r"node|nodes|nodule|body|bodies|cell|cells|reflex|law|palsy|phenomenon|thyroiditis|"
    r"encephalopathy|aphasia|contracture|fracture|cyst|esophagus|oesophagus|hernia|"
    r"procedure|operation|"
    r"repair|catheter|tube|clamp|forceps|incision|position|point|triad|angle|line|ring|"
    r"duct|gland|canal|ligament|fascia|muscle|space|pouch|ulcer|colitis|granulomatosis|"
    r"arteritis|vasculitis|"
    r"anaemia|anemia|purpura|nephritis|stain|chorea|ataxia|dementia|psychosis|"
    r"malformation|anomaly|tetralogy|block|murmur|pulse|respiration|breathing|fever|agar|"
    r"method|formula|equation|curve|"
    r"monitor|protocol|regimen|units?|coma|grading|solution|rule|rules|maneuver|manoeuvre|"
    r"goiter|ophthalmopathy|lesion|deformity|palsies|band|bands|plots?|level|levels|"
    r"needle|retractor|"
    r"wire|pin|nail|plate|screw|flap|graft|shunt|valve|stent|loop|anastomosis|stoma|drain|"
    r"biopsy|resection|approach|technique|view|projection)\b|-[A-Z][a-z]+|[ ]?(?:病|"
    r"综合征|氏|征|评分|分级|分期|指数|试验|细胞|淋巴瘤|失语|量表|点压痛|囊肿|骨折|手术|"
    r"法|环|分型|分类|线|角|管|反射))",
    re.ASCII,
)
_SYLLABLE = (
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|"
    r"uai|uan|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ue|ui|uo|üe|a|e|i|o|u|ü)|er)"
)
_PINYIN_GIVEN = re.compile(rf"{_SYLLABLE}[-' ]?{_SYLLABLE}?", re.IGNORECASE)
_PINYIN_NAME = re.compile(
    r"\b(?P<a>[A-Z][a-z]{1,6}|[A-Z]{2,7}),? (?P<b>[A-Z][a-z]{1,11}(?:-[A-Za-z]{2,6})?|"
    r"[A-Z]{2,12})\b",
    re.ASCII,
)
_MIN_PINYIN = 4
_MIN_SURNAME = 3
_SURE = 60


_INTRODUCED = (
    (_TITLED, _SURE),
    (_LABELLED, 58),
    (_KIN, 57),
    (_DEGREE, 59),
    (_CLOSING, 59),
    (_CARET, 63),
    (_ACTOR, 50),
    (_SELF, 50),
    (_RELATED, 57),
)


def is_everyday(word: str) -> bool:
    """Whether a Latin word is one of everyday language too."""
    return word.casefold() in words("everyday_en") or word.casefold() in words("not_names_en")


def is_eponym_use(text: str, start: int, end: int) -> bool:
    """Whether a name stands here for a disease, a sign, a test or the like."""
    if text[start:end].casefold() not in words("eponyms"):
        return False
    if _EPONYM_USE.match(text, end):
        return True
    return start > 0 and text[start - 1] == "-" and text[start - 2 : start - 1].isalpha()


def english_names_in(text: str) -> Iterator[Span]:
    """Every Latin name of a view's text that its surroundings give away."""
    if not any(map(str.isupper, text)):
        return
    yield from _introduced(text)
    yield from _reversed(text)
    yield from _initials(text)
    yield from _nicknames(text)
    yield from _pairs(text)
    yield from _pinyin(text)


def _introduced(text: str) -> Iterator[Span]:
    """Names behind a title, a label or a relation, before a degree, or in a message's field."""
    for pattern, weight in _INTRODUCED:
        for match in pattern.finditer(text):
            span = _trimmed(text, *match.span("n"), weight)
            if span is None or _inside_word(text, match.start()):
                continue
            if pattern is not _LABELLED or not _is_weak(text, match.start(), span):
                yield span


def _reversed(text: str) -> Iterator[Span]:
    """Names alone on a line or in quotes, and `SURNAME, First`."""
    for match in _ALONE.finditer(text):
        group = "n" if match.group("n") else "l"
        if not all(map(is_everyday, re.findall(r"[A-Za-z]{2,}", match.group(group)))):
            yield Span(*match.span(group), Kind.NAME, 51)
    for pattern in (_REVERSED, _COMMA):
        for match in pattern.finditer(text):
            if not _common(match.group("n")):
                yield Span(*match.span("n"), Kind.NAME, 55)


def _initials(text: str) -> Iterator[Span]:
    """`H. Whitfield`, `R. T.`, `Typed: JB`."""
    for match in _INITIALLED.finditer(text):
        surname = match.group("s")
        if len(surname) < _MIN_SURNAME or surname.casefold() in words("not_names_en"):
            continue
        if not is_eponym_use(text, *match.span("s")):
            yield Span(*match.span(), Kind.NAME, 54)
    for pattern in (_TWO_INITIALS, _TYPED):
        for match in pattern.finditer(text):
            if not _inside_word(text, match.start()):
                yield Span(*match.span("n"), Kind.NAME, 53)


def _nicknames(text: str) -> Iterator[Span]:
    for match in _QUOTED_NICK.finditer(text):
        for group in "nqp":
            if match.group(group) and not is_everyday(match.group(group)):
                yield Span(*match.span(group), Kind.NAME, 50)


def _is_weak(text: str, start: int, span: Span) -> bool:
    """`Patient Denies`: one capitalised word, no known given name, no colon before it."""
    name = text[span.start : span.end]
    if " " in name or "-" in name or "." in name or name.casefold() in words("first_names_en"):
        return False
    return _WEAK.search(text[start : span.start]) is not None


def _inside_word(text: str, at: int) -> bool:
    return (
        at > 0
        and text[at : at + 1].isalpha()
        and text[at].isascii()
        and text[at - 1].isascii()
        and text[at - 1].isalpha()
    )


def _common(name: str) -> bool:
    return any(word.casefold() in words("not_names_en") for word in re.findall(r"[A-Za-z]+", name))


def _trimmed(text: str, start: int, end: int, weight: int) -> Span | None:
    """The name without words after it that belong to no name; None if nothing is left."""
    pieces = list(re.finditer(r"[^\s,^]+", text[start:end]))
    kept = 0
    for piece in pieces:
        word = piece.group().strip(".'’\"")
        if (len(word) > 1 and word.casefold() in words("not_names_en")) or re.search(r"\d", word):
            break
        if is_eponym_use(text, start + piece.start(), start + piece.start() + len(word)):
            break
        kept = piece.end()
    if not kept:
        return None
    bare = text[start : start + kept].rstrip(" \n,'’")
    shouted = len(pieces) == 1 and bare.isupper() and len(bare) > _MIN_SURNAME
    if shouted and weight < _SURE and bare.casefold() not in words("first_names_en"):
        return None
    bare = re.sub(r"['’]s$", "", bare)
    return Span(start, start + len(bare), Kind.NAME, weight) if len(bare) > 1 else None


def _pairs(text: str) -> Iterator[Span]:
    """A common given name and another capitalised word."""
    firsts = words("first_names_en")
    for pattern in (_PAIR, _UPPER_PAIR):
        for match in pattern.finditer(text):
            first, last = match.group("f").casefold(), match.group("s").casefold()
            if first not in firsts or last in words("not_names_en"):
                continue
            if is_eponym_use(text, *match.span("s")) or (
                first in words("everyday_en") and last in words("everyday_en")
            ):
                continue
            if (
                first in words("eponyms")
                and last in words("eponyms")
                and not match.group("f").istitle()
            ):
                continue
            yield Span(*match.span(), Kind.NAME, 52)


@cache
def _pinyin_surnames() -> frozenset[str]:
    return words("pinyin_surnames")


def _pinyin(text: str) -> Iterator[Span]:
    for match in _PINYIN_NAME.finditer(text):
        a, b = match.group("a"), match.group("b")
        for surname, given in ((a, b), (b, a)):
            plain = given.replace("-", "").casefold()
            if (
                surname.casefold() in _pinyin_surnames()
                and len(plain) >= _MIN_PINYIN
                and _PINYIN_GIVEN.fullmatch(given)
                and plain not in words("pinyin_words")
                and not is_everyday(plain)
            ):
                yield Span(*match.span(), Kind.NAME, 53)
                break
