"""Chinese names that a label, a role, a title or a particular gives away.

Labels and roles stand in front (姓名：, 患者, 其女), titles and particulars behind (主任, ，男，
43岁). Names that are also ordinary words count only where a label or the register says so.
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_chinese import (
    FOLLOW,
    HAN,
    is_bounded,
    is_han,
    is_ordinary,
    name_end,
    name_span,
    people_end,
    surname_end,
)
from sandbox.deid.text_spans import Span
from sandbox.deid.words import characters, words

_TITLES = (
    r"副?主任(?:医[师生]|护[师士]|技师|药师)?|(?:主治|住院|主管|责任|值班|经治|管床|规培|"
    r"进修)?(?:医[师生]|大夫|护[师士]|技师|药师)|护士长|"
    r"副?教授|副?院长|副?所长|副?科长|副?处长|副?校长|副?局长|博士|院士|老师|先生|女士|"
    r"小姐|太太|夫人|师傅|阿姨|大[爷妈娘叔姐哥婶伯嫂]|"
    r"[爷奶伯叔]{2}|婆婆|公公|老太太?|老伯|同志|同学|书记|经理|队长|警官|律师|法官|村长|"
    r"主席|董事长?|总监|工程师|"
    r"姨|婶|嫂|哥|姐(?!妹)|叔(?!叔)|伯(?!伯)|爷(?!爷)|奶(?!奶)|"
    r"总(?![计体胆量分检数的蛋结是觉])|老(?=[:，。])|工(?=[:,。、])"
)
_TITLE = re.compile(_TITLES)
KIN = (
    r"其?(?:儿子|女儿|丈夫|妻子|爱人|配偶|老伴|老公|老婆|父亲|母亲|爸爸?|妈妈?|爹|娘|"
    r"哥哥?|姐姐?|弟弟?|妹妹?|孙子|孙女|外孙女?|女婿|儿媳妇?|孙媳妇?|"
    r"媳妇|岳父|岳母|公公|婆婆|姑姑?|姑妈|舅舅?|叔叔?|伯父|伯母|姨妈?|侄子|侄女|外甥女?|"
    r"闺女|婶婶?|嫂子|长子|次子|长女|次女|大儿子|小儿子|大女儿|小女儿|"
    r"养子|养女|继父|继母|表[哥姐弟妹]|堂[哥姐弟妹]|家属|家长|监护人|陪护|保姆|男友|女友|"
    r"未婚[夫妻]|前[夫妻])|"
    r"其(?:子|女|夫|妻|父|母|兄|弟|姐|妹|孙|姑|舅|叔|伯|姨|侄|媳|婿)|"
    r"(?<=[由经与和及之，,。;(])(?:子|女|孙|父|母|夫|妻|弟|兄|妹|姐)|之[子女]|"
    r"(?<![一-龥])(?:父|母|夫|妻|子|女|弟|兄|妹|姐|孙)"
)
_STRONG_ROLE = re.compile(
    r"(?:我叫|我是|这是|就是|其实是|(?:患者|病人|患儿|产妇|孕妇|伤者|死者|受检者|受试者|"
    r"投诉人)(?:自称|名叫|叫|系|姓名)?|参保人|就诊人|姓名|实名|大名|小名|乳名|名叫|化名|"
    r"户名|户主|持卡人|开户人|收件人|联系人|代办人|"
    r"术者|一助|二助|三助|主刀|医师|医生|护士长?|技师|药师|咨询师|治疗师|康复师|营养师|"
    r"物理师|签名|签字|随访人|回报人|报修人|记录者|操作者|检查者|执行者?|核对者?|"
    r"总检|主检|签发|抄方|接生|台下|台上|岳父|岳母|" + KIN + r")"
)
_LABEL = re.compile(
    r"(?:姓[ \t]{0,3}名|签[ \t]?[名字章]|医[ \t]{1,2}[师生]|护[ \t]{1,2}士|[者人员师士手]|"
    r"实习生|研究生|规培生|[一二三]线|医生|大夫|主任|教授|助手|一助|二助|三助|台下|台上|主刀|操作|"
    r"报告|审核|复核|审签|审阅|签发|总检|主检|初检|"
    r"记录|书写|录入|执行|核对|校对|接诊|接生|随访|值班|巡回|器械|麻醉|会诊|抄方|调配|"
    r"发药|采血|采样|质控|患儿|产妇|孕妇|大名|小名|乳名|实名|昵称|曾用名|原名|户主|"
    r"家属|家长|联系|讨论|主持|参加|签收|经手|出纳|收费|带教|主诊|主治|经治|管床|申请|"
    r"送检|检查|诊断|"
    r"患者|[Pp]atient|[Nn]ame|Operator|Reporter|Cashier|PI|CRC|fellow|Tech)"
    r"(?:姓名|签名|签字|签章|医[师生]|护士|技师|[者人])?[)】]?[ \t]{0,4}(?P<sep>[:/]|"
    r"[ \t\n])[ \t]{0,4}"
)
_FIRM_LABEL = re.compile(r"姓\s{0,3}名|[大实]名|Cashier|Operator")
_NAMED = re.compile(r"(?:姓名|实名|大名|名叫|化名|户名|投诉人|伤者|死者)$")
_PARTICULAR = re.compile(
    r",\s?\d{1,3},|[\s,、(|]{0,4}(?:性别[: ]{0,2})?[男女](?![一-龥])|"
    r"[\s,、(]{0,3}(?:年龄[: ]{0,2})?\d{1,3}\s?(?:岁|[Yy]\b|周岁)|"
    r"[\s,、(]{0,3}[一二三四五六七八九十百]{1,4}岁|的(?:妈|爸|父|母|儿|女|爱人|丈夫|妻|家属|老公|老婆|孩子|奶奶|爷爷)|\((?:父亲|母亲|爸爸|妈妈|爷爷|奶奶|孙子|孙女|家属|子|女|夫|妻|父|母|兄|弟|姐|妹|孙|"
    r"本人|儿子|女儿|丈夫|妻子|配偶|弟弟|哥哥|姐姐|妹妹|长子|次子|外科|内科|"
    r"\w{0,4}科)[,)]|"
    r"[ ,]?[诉称述](?![一-龥]{0,1}职)|[ ]?(?:主诉|代诉|自诉|签[字名]|出院带药|病程)|"
    r"[ ]{0,2}(?:护士|医[师生])签名|[,、 ](?:汉|回|藏|维吾尔|蒙古?|彝|壮|满|苗|傣|哈萨克|"
    r"东乡|撒拉|土家?)族"
)
_LIST = re.compile(r"[ \t]{0,2}[、/,;&][ \t]{0,2}|[ \t]{1,3}")


def chinese_names_in(text: str) -> Iterator[Span]:
    """Every Chinese name of a view's text that its surroundings give away."""
    if not any(map(is_han, text)):
        return
    yield from _labelled(text)
    yield from _after_roles(text)
    yield from _titled(text)
    yield from _with_particulars(text)


def _labelled(text: str) -> Iterator[Span]:
    """Names behind a label and a colon, or a label and a space; and lists of them."""
    for match in _LABEL.finditer(text):
        at = match.end()
        firm = match.group("sep") in ":/" or _FIRM_LABEL.match(match.group()) is not None
        while True:
            end = _labelled_end(text, at, firm=firm)
            if end is None:
                break
            yield name_span(at, end, 62)
            more = _LIST.match(text, end)
            if not more or more.end() == end:
                break
            at, firm = more.end(), False


def _labelled_end(text: str, at: int, *, firm: bool) -> int | None:
    found = name_end(text, at)
    if found is None:
        return people_end(text, at) if firm else None
    end, usual = found
    word = "".join(text[at:end].split())
    if word in words("nobody") or (is_ordinary(word) and not (firm and is_bounded(text, end))):
        return None
    if is_ordinary(text[at : at + 2]) and not is_bounded(text, end):
        return None
    if usual and (firm or is_bounded(text, end) or FOLLOW.match(text, end)):
        return end
    return end if firm and is_bounded(text, end) and not _medical(word) else None


def _medical(word: str) -> bool:
    return any(
        c in "病症炎癌瘤肿痛热压血肺肝肾胃肠脑骨膜腺管段叶区影液尿便药片针术检查诊疗" for c in word
    )


def _after_roles(text: str) -> Iterator[Span]:
    for match in _STRONG_ROLE.finditer(text):
        at = match.end()
        while at < len(text) and text[at] in " \t:(“\"'":
            at += 1
        found = name_end(text, at)
        if found is None:
            yield from _kin_given(text, match, at)
            continue
        end, usual = found
        word = "".join(text[at:end].split())
        named = _NAMED.search(match.group()) and is_bounded(text, end)
        ordinary = is_ordinary(word) or is_ordinary(text[at : at + 2])
        if named or (usual and not ordinary):
            yield name_span(at, end)


def _kin_given(text: str, match: re.Match[str], at: int) -> Iterator[Span]:
    """`闺女思雨`: a relative's given name alone."""
    if at != match.end() or not re.fullmatch(KIN, match.group()):
        return
    word = text[at : at + 2]
    usual = characters("given")
    if len(word) == 2 and all(c in usual for c in word) and not is_ordinary(word):  # noqa: PLR2004
        following = text[at + 2 : at + 3]
        if following not in usual:
            yield name_span(at, at + 2, 52)


def _titled(text: str) -> Iterator[Span]:
    """`李医生`, `欧阳修文主任`: the longest name that ends where the title begins."""
    for match in _TITLE.finditer(text):
        start = _titled_start(text, match.start())
        if start is None:
            continue
        whole = surname_end(text, start) == match.start()
        yield name_span(start, match.end() if whole else match.start(), 61)


def _titled_start(text: str, end: int) -> int | None:
    usual = characters("given")
    for length in (4, 3, 2, 1):
        start = end - length
        if start < 0:
            continue
        given = surname_end(text, start)
        if given == start or given > end or end - given > 2:  # noqa: PLR2004
            continue
        if given == start + 1 and text[given:end] in words("compound_surnames"):
            continue
        if not all(c in usual for c in text[given:end]):
            continue
        if given - start == 1 and text[start - 1 : start + 1] in words("compound_surnames"):
            continue
        if _stands_free(text, start, end, whole=given == end):
            return start
    return None


def _stands_free(text: str, start: int, end: int, *, whole: bool) -> bool:
    """Whether what begins at `start` isn't the end of another word."""
    before = text[max(0, start - 2) : start]
    if whole and text[start - 1 : start + 1] in words("before_titles") and start:
        return False
    if is_ordinary(text[start:end]) or (start and is_ordinary(text[start - 1 : end])):
        return False
    if (
        not before
        or not is_han(before[-1])
        or before[-1]
        in "科部请由经与和及遵挂找约跟随是叫给的向让告知诊人者室组院说问对姓在到班日晨午天晚友"
    ):
        return True
    return not whole or before[-1] not in characters("given") | characters("surnames")


def _with_particulars(text: str) -> Iterator[Span]:
    """`佟国梁，男，66岁`: a name with a sex, age, relation or complaint behind it."""
    for match in _starts(text):
        at = match.end()
        found = name_end(text, at)
        if found is None:
            continue
        end, usual = found
        if not _PARTICULAR.match(text, end):
            continue
        tight = text[at:end]
        if tight.endswith("族"):
            continue
        if usual or is_bounded(text, end):
            if is_ordinary("".join(tight.split())) and not re.match(
                r"[\s,(]{1,4}[男女]|[\s,(]{1,3}\d{1,3}岁", text[end:]
            ):
                continue
            yield name_span(at, end, 58)


_START = re.compile(rf"(?:^|(?<=[^{HAN}A-Za-z\d]))(?=[{HAN}])")


def _starts(text: str) -> Iterator[re.Match[str]]:
    return _START.finditer(text)


def in_name_context(text: str, start: int, end: int) -> bool:
    """Whether a word that may be a name stands here as one: labelled, qualified or alone."""
    before = text[max(0, start - 12) : start]
    if _PARTICULAR.match(text, end) and (not before or not is_han(before[-1])):
        return True
    role = list(_STRONG_ROLE.finditer(before))
    if role and role[-1].end() == len(before.rstrip(" \t(")):
        return True
    label = list(_LABEL.finditer(before))
    if label and label[-1].end() == len(before):
        return True
    left = not before or before[-1] in " \t\n|^("
    right = end >= len(text) or text[end] in " \t\n|^)(,:"
    return left and right
