"""How a Chinese name is made: where one that begins here would end, and what is no name.

A family name of one or two characters, then a given name of one or two. Whether it is a person at
all, only what stands around it says (`text_names_zh`, `text_names_alone`).
"""

import re
from functools import cache

from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.words import alternatives, characters, words

HAN = "㐀-䶿一-鿿"
_GAP = re.compile(r"[ \t]{0,3}\n?[ \t]{0,3}")
_RUN = 3
_GIVEN = 2
STOP_GIVEN = frozenset(
    "诉称述说于因及与或的已在是有无未不从被把给对向到去入出住转行就予将要请问答签陪告同副医护教女男岁今昨现曾既否认患突"
    "系等则也又再仍还均都其我你他她它您们这那哪自由先代电手号病检查报审做拟约经以能会需须打挂找服吃用继急了过着吧吗呢啊叫"
    "让使该此为门科室床某按据比并但而所"
)
FOLLOW = re.compile(
    r"主任|副主|主治|主管|医[生师]|大夫|教授|护[士师]|院长|科长|老师|先生|女士|小姐|太太|"
    r"师傅|阿姨|大[爷妈娘叔姐哥]|奶奶|爷爷|"
    r"同志|博士|技师|药师|来[院诊电]|用[过药]|明[天日早晨年显确]|今[天日]|时间|大便|小便|"
    r"月经|年龄|性别|和|家[属人]|本人|电话|手机|联系|"
    r"生[于命]|出生|身份|住[院址]|主诉|平素|自[诉觉述]|因|诉|反[映复]|提供|指[示出]|查房|"
    r"会诊|签[名字]|陪[同护]|代[诉签]|夫[妇人]|"
    r"安返|安静|心[率电肺]|血[压糖]|体[温重]|尿|神志|意识|一般|可[能以]|好转|多次|大量|"
    r"小时|有|无|近|开始|目前|同意|要求|拒绝|表示"
)


@cache
def surname_pattern() -> str:
    """A pattern for every family name."""
    singles = "".join(sorted(characters("surnames")))
    return f"(?:{alternatives('compound_surnames')}|[{singles}])"


def surname_end(text: str, at: int) -> int:
    """Where a family name that begins at `at` ends; `at` itself if none does."""
    if text[at : at + 2] in words("compound_surnames"):
        return at + 2
    return at + 1 if text[at : at + 1] in characters("surnames") else at


def is_han(character: str) -> bool:
    """Whether it is a Chinese character."""
    return "㐀" <= character <= "䶿" or "一" <= character <= "鿿"


def is_ordinary(word: str) -> bool:
    """Whether it is a word of everyday or medical language."""
    return word in words("ordinary")


def name_end(text: str, at: int) -> tuple[int, bool] | None:
    """Where a full name that begins at `at` ends, and whether every character of it is usual.

    With spaces or a line's end between its characters it must end before something else than a
    Chinese character.
    """
    given = surname_end(text, at)
    if given == at:
        return None
    gap = _GAP.match(text, given)
    if gap and gap.end() > given:
        return _spaced_end(text, gap.end())
    run = 0
    while run < _RUN and given + run < len(text) and is_han(text[given + run]):
        run += 1
    if not run or text[given] in STOP_GIVEN or FOLLOW.match(text, given):
        return None
    length, usual = _given(text, given, run)
    return given + length, usual


def _given(text: str, at: int, run: int) -> tuple[int, bool]:
    """How many of a run of characters are the given name, and whether all of it is usual."""
    usual = characters("given")
    first = text[at] in usual
    second = text[at + 1] if run > 1 else ""
    if not second or second in STOP_GIVEN or FOLLOW.match(text, at + 1):
        return 1, first
    if second in usual:
        return _GIVEN, first
    return (_GIVEN, False) if run == _GIVEN else (1, first)


def _spaced_end(text: str, at: int) -> tuple[int, bool] | None:
    usual = characters("given")
    end = at
    while (
        end < len(text) and end - at < _GIVEN and is_han(text[end]) and text[end] not in STOP_GIVEN
    ):
        end += 1
    if end == at:
        return None
    if end == at + 1:
        gap = _GAP.match(text, end)
        after = gap.end() if gap else end
        third, fourth = text[after : after + 1] or " ", text[after + 1 : after + 2] or " "
        if after > end and is_han(third) and third not in STOP_GIVEN and not is_han(fourth):
            return after + 1, text[at] in usual
    if is_han(text[end : end + 1] or " "):
        return None
    return end, all(c in usual for c in text[at:end])


def name_span(start: int, end: int, weight: int = 60) -> Span:
    """A span of a name."""
    return Span(start, end, Kind.NAME, weight)


def is_bounded(text: str, end: int) -> bool:
    """Whether no Chinese character follows."""
    return end >= len(text) or not is_han(text[end])


@cache
def peoples() -> re.Pattern[str]:
    """Two pieces at least that Tibetan, Uyghur, Mongolian and other names are made of."""
    return re.compile(rf"(?:{alternatives('morphemes')}){{2,4}}")


def people_end(text: str, at: int) -> int | None:
    """Where such a name that begins at `at` ends, or None."""
    match = peoples().match(text, at)
    return match.end() if match else None
