"""Chinese names: a family name, one or two characters more, and something that says it is a person.

What says so: a label or role in front (姓名：, 患者, 其女), a title or a particular behind (主任, ，男，43岁),
a place of its own (a table cell, a signature), or a way of addressing people (老李, 小王, 陈某某). Names
that are also ordinary words count only where a label or the register says so.
"""

import re
from collections.abc import Iterator
from functools import cache

from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.text_view import SEALED
from sandbox.deid.words import alternatives, characters, words

_HAN = "㐀-䶿一-鿿"
_GAP = re.compile(r"[ \t]{0,3}\n?[ \t]{0,3}")
_STOP_GIVEN = frozenset(
    "诉称述说于因及与或的已在是有无未不从被把给对向到去入出住转行就予将要请问答签陪告同副医护教女男岁今昨现曾既否认患突"
    "系等则也又再仍还均都其我你他她它您们这那哪自由先代电手号病检查报审做拟约经以能会需须打挂找服吃用继急了过着吧吗呢啊叫"
    "让使该此为门科室床某按据比并但而所"
)
_FOLLOW = re.compile(
    r"主任|副主|主治|主管|医[生师]|大夫|教授|护[士师]|院长|科长|老师|先生|女士|小姐|太太|师傅|阿姨|大[爷妈娘叔姐哥]|奶奶|爷爷|"
    r"同志|博士|技师|药师|来[院诊电]|用[过药]|明[天日早晨年显确]|今[天日]|时间|大便|小便|月经|年龄|性别|和|家[属人]|本人|电话|手机|联系|"
    r"生[于命]|出生|身份|住[院址]|主诉|平素|自[诉觉述]|因|诉|反[映复]|提供|指[示出]|查房|会诊|签[名字]|陪[同护]|代[诉签]|夫[妇人]|"
    r"安返|安静|心[率电肺]|血[压糖]|体[温重]|尿|神志|意识|一般|可[能以]|好转|多次|大量|小时|有|无|近|开始|目前|同意|要求|拒绝|表示"
)
_TITLES = (
    r"副?主任(?:医[师生]|护[师士]|技师|药师)?|(?:主治|住院|主管|责任|值班|经治|管床|规培|进修)?(?:医[师生]|大夫|护[师士]|技师|药师)|护士长|"
    r"副?教授|副?院长|副?所长|副?科长|副?处长|副?校长|副?局长|博士|院士|老师|先生|女士|小姐|太太|夫人|师傅|阿姨|大[爷妈娘叔姐哥婶伯嫂]|"
    r"[爷奶伯叔]{2}|婆婆|公公|老太太?|老伯|同志|同学|书记|经理|队长|警官|律师|法官|村长|主席|董事长?|总监|工程师|"
    r"姨|婶|嫂|哥|姐(?!妹)|叔(?!叔)|伯(?!伯)|爷(?!爷)|奶(?!奶)|总(?![计体胆量分检数的蛋结是觉])|老(?=[:，。])|工(?=[:,。、])"
)
_TITLE = re.compile(_TITLES)
_BEFORE_TITLE = frozenset(
    "当时 同时 及时 临时 随时 小时 此时 届时 平时 有时 按时 定时 实时 何时 暂时 责任 主任 主管 经管 分管 对方 院方 双方 校方 警方 "
    "检查 复查 抽查 筛查 调查 普查 自查 随车 救护 对于 由于 关于 至于 等于 低于 高于 终于 位于 属于 处于 急诊 门诊 会诊 家属 全科 本科 专科 大家 专家 国家 人家 东方 西方 南方 北方 各方 "
    "心安 平安 公安 保安 早安 晚安 大连 全部 干部 内部 所有 高年 多年 成年 老年 青年 少年 中年 去年 今年 明年 每年 饮水 积水 胸水 腹水 "
    "手术 外地 当地 本地 原来 从来 后来 本来 代表 上海 青海 沿海 心包 面包 红包 石膏 请从 服从 责令 随从 亲从 自从 我向 方向 转向 倾向 "
    "及和 能能 只能 可能 功能 不能 智能 才能 性能 机能 普通 沟通 交通 联通 相通 连通 精通 贯通 疏通 不通 其他 管理 护理 处理 病理 心理 "
    "皮肤 麻醉 药师 技师 律师 教师 厨师 老师 医师 护师 大师 工程 流程 病程 疗程 课程 全程 日程 规程 里程 里边 旁边 身边 一边 这边 那边 右边 左边 "
    "实习 进修 规培 轮转 学习 复习 练习 习惯 随访 回访 来访 家访 探访 走访 上访 信访 值班 交班 接班 夜班 白班 早班 晚班 中班 下班 上班 排班 "
    "骨干 相干 若干 口干 眼干 门关 有关 无关 相关 海关 机关 把关 开关 双关 危重 住院 出院 入院 转院 本院 外院 我院 医院 麻风 中风 痛风 "
    "应从 又从 已从 均从 经从 和方 与方 向方 请方 找方".split()
)
_KIN = (
    r"其?(?:儿子|女儿|丈夫|妻子|爱人|配偶|老伴|老公|老婆|父亲|母亲|爸爸?|妈妈?|爹|娘|哥哥?|姐姐?|弟弟?|妹妹?|孙子|孙女|外孙女?|女婿|儿媳妇?|孙媳妇?|"
    r"媳妇|岳父|岳母|公公|婆婆|姑姑?|姑妈|舅舅?|叔叔?|伯父|伯母|姨妈?|侄子|侄女|外甥女?|闺女|婶婶?|嫂子|长子|次子|长女|次女|大儿子|小儿子|大女儿|小女儿|"
    r"养子|养女|继父|继母|表[哥姐弟妹]|堂[哥姐弟妹]|家属|家长|监护人|陪护|保姆|男友|女友|未婚[夫妻]|前[夫妻])|"
    r"其(?:子|女|夫|妻|父|母|兄|弟|姐|妹|孙|姑|舅|叔|伯|姨|侄|媳|婿)|(?<=[由经与和及之，,。;(])(?:子|女|孙|父|母|夫|妻|弟|兄|妹|姐)|之[子女]|"
    r"(?<![一-龥])(?:父|母|夫|妻|子|女|弟|兄|妹|姐|孙)"
)
_ROLES = (
    r"患者|病人|患儿|病患|产妇|孕妇|伤者|死者|逝者|受检者|受试者|被检者|就诊者|投诉人|受害人|当事人|申请人|委托人|用户|客户|居民|村民|学生|考生|职工|"
    r"新生儿|实名|大名|小名|名叫|姓名|叫做|名字叫|化名|又名|曾用名|医[师生]|大夫|护士长?|主任(?:医师)?|教授|技师|药师|术者|一助|二助|主刀|值班|报告|审核|"
    r"随访|记录|书写|操作|接诊|接生|执行|核对|签[名字]|分诊护士|户主|户名|持卡人|开户人|收件人|寄件人|联系人|代办人|咨询师|治疗师|康复师|营养师|心理师|物理师|"
    r"助手|麻醉[师医]?|巡回|器械|台下|台上|签发|总检|主检|抄方|采血|采样|录入|校对|复核|质控|陪同|由|经|请|找|约|挂|遵|跟|随|叫|给|与|和|及|转告|通知|告知|联系|询问"
)
_STRONG_ROLE = re.compile(
    r"(?:我叫|就是|其实是|(?:患者|病人|患儿|产妇|孕妇|伤者|死者|受检者|受试者|投诉人)(?:自称|名叫|叫|系|姓名)?|参保人|就诊人|姓名|实名|大名|小名|乳名|名叫|化名|户名|户主|持卡人|开户人|收件人|联系人|代办人|"
    r"术者|一助|二助|三助|主刀|医师|医生|护士长?|技师|药师|咨询师|治疗师|康复师|营养师|物理师|签名|签字|随访人|回报人|报修人|记录者|操作者|检查者|执行者?|核对者?|"
    r"总检|主检|签发|抄方|接生|台下|台上|岳父|岳母|" + _KIN + r")"
)
_ROLE_HEAD = re.compile(rf"(?:患者|病人|患儿|产妇|孕妇|姓名|{_KIN})+(?=[一-鿿]{{2}})")
_LABEL = re.compile(
    r"(?:姓[ \t]{0,3}名|签[ \t]?[名字章]|医[ \t]{1,2}[师生]|护[ \t]{1,2}士|[者人员师士手]|实习生|研究生|规培生|医生|大夫|主任|教授|助手|一助|二助|三助|台下|台上|主刀|操作|报告|审核|复核|审签|审阅|签发|总检|主检|初检|"
    r"记录|书写|录入|执行|核对|校对|接诊|接生|随访|值班|巡回|器械|麻醉|会诊|抄方|调配|发药|采血|采样|质控|患儿|产妇|孕妇|大名|小名|乳名|实名|昵称|曾用名|原名|户主|"
    r"家属|家长|联系|讨论|主持|参加|签收|经手|出纳|收费|带教|主诊|主治|经治|管床|申请|送检|检查|诊断|"
    r"患者|[Pp]atient|[Nn]ame|Operator|Reporter|Cashier|PI|CRC|fellow|Tech)"
    r"(?:姓名|签名|签字|签章|医[师生]|护士|技师|[者人])?[)】]?[ \t]{0,4}(?P<sep>[:/]|[ \t\n])[ \t]{0,4}"
)
_FIRM_LABEL = re.compile(r"姓\s{0,3}名|[大实]名|Cashier|Operator")
_NAMED = re.compile(r"(?:姓名|实名|大名|名叫|化名|户名|投诉人|伤者|死者)$")
_PARTICULAR = re.compile(
    r",\s?\d{1,3},|[\s,、(|]{0,4}(?:性别[: ]{0,2})?[男女](?![一-龥])|[\s,、(]{0,3}(?:年龄[: ]{0,2})?\d{1,3}\s?(?:岁|[Yy]\b|周岁)|"
    r"[\s,、(]{0,3}[一二三四五六七八九十百]{1,4}岁|\((?:子|女|夫|妻|父|母|兄|弟|姐|妹|孙|本人|儿子|女儿|丈夫|妻子|配偶|弟弟|哥哥|姐姐|妹妹|长子|次子|外科|内科|\w{0,4}科)[,)]|"
    r"[ ,]?[诉称述](?![一-龥]{0,1}职)|[ ]?(?:主诉|代诉|自诉|签[字名]|出院带药|病程)|[ ]{0,2}(?:护士|医[师生])签名|[,、 ](?:汉|回|藏|维吾尔|蒙古?|彝|壮|满|苗|傣|哈萨克|东乡|撒拉|土家?)族"
)
_NOBODY = frozenset(
    "无 见签名 同上 本人 家属 详见 如下 未知 不详 暂无 空白 签名 盖章 医师 护士 患者 病人 主任 齐全 完整 相关 应用 经过 时间 方法 常规 "
    "和家属 及家属 与家属 从未 高年资 何时 何人 时常 于院外 安排 应予 任何 应注意 于入院 有无 曾有 曾因 时有 于门诊 于我院 于外院".split()
)
_CELL = re.compile(rf"(?<![{_HAN}A-Za-z\d])[{_HAN}]{{2,4}}(?![{_HAN}])")
_CELL_MARKS = " \t\n|(/^" + SEALED
_AFTER_MARK = re.compile(rf"(?:(?<=[:。\n])|^)(?=[{_HAN}])")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z]+ [A-Z][A-Za-z]+$")
_LATIN_BEFORE = re.compile(r"(?<=[a-zA-Z])(?: / | ?/ ?| \(| )(?=[一-鿿])")
_DOTTED = re.compile(
    rf"[{_HAN}]{{2,8}}[·•・‧][{_HAN}]{{2,8}}(?:[·•・‧][{_HAN}]{{2,8}})?(?!氏|综合|病|征|反应)"
)
_SOMEONE = re.compile(
    r"(?:{s})(?:某{1,3}|[xX×*＊○〇]{1,2}(?![\d.A-Za-z])|[xX](?![A-Za-z\d]))"
    r"(?![部医厂公单日地种些个次时年月校军院区县市村])"
)
_SAID_SURNAME = re.compile(r"姓(?P<n>{s})(?=[的,，。、?!\s(]|$)")
_ADDRESS_FORM = re.compile(
    r"(?:(?<![一-鿿])|(?<=[写叫找让请跟和与问给由被号是说妇家人友晨午日天晚]))[老小](?P<n>{s})"
    r"(?=[:,，。、\s(说的又来也就在让跟给和陪代去要问回]|护士|医[师生]|大夫|师傅|阿姨|$)"
)
_TWIN = re.compile(
    rf"(?:患儿|宝宝|宝贝|小朋友|妈妈说|爸爸说|女儿|儿子|孩子|小名|乳名)(?:叫)?[:：]?(?P<n>([{_HAN}])\2)(?![{_HAN}]\2)"
)
_LIST = re.compile(r"[ \t]{0,2}[、/,;&][ \t]{0,2}|[ \t]{1,3}")
_NOT_DOTTED = re.compile(r"综合|氏|病$")


@cache
def _surname() -> str:
    singles = "".join(sorted(characters("surnames")))
    return f"(?:{alternatives('compound_surnames')}|[{singles}])"


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(template.replace("{s}", _surname()))


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
    while run < 3 and given + run < len(text) and is_han(text[given + run]):  # noqa: PLR2004
        run += 1
    if not run or text[given] in _STOP_GIVEN or _FOLLOW.match(text, given):
        return None
    usual = characters("given")
    first = text[given] in usual
    second = text[given + 1] if run > 1 else ""
    if not second or second in _STOP_GIVEN or _FOLLOW.match(text, given + 1):
        return given + 1, first
    if second in usual:
        return given + 2, first
    if run == 2:  # noqa: PLR2004  # two characters and then something else
        return given + 2, False
    return given + 1, first


def _spaced_end(text: str, at: int) -> tuple[int, bool] | None:
    usual = characters("given")
    end = at
    while end < len(text) and end - at < 2 and is_han(text[end]) and text[end] not in _STOP_GIVEN:  # noqa: PLR2004
        end += 1
    if end == at:
        return None
    if end == at + 1:
        gap = _GAP.match(text, end)
        after = gap.end() if gap else end
        if (
            after > end
            and text[after : after + 1] in usual
            and not is_han(text[after + 1 : after + 2] or " ")
        ):
            return (after + 1, text[at] in usual)
    if is_han(text[end : end + 1] or " "):
        return None
    return end, all(c in usual for c in text[at:end])


def chinese_names_in(text: str) -> Iterator[Span]:
    """Every Chinese name of a view's text that its surroundings give away."""
    if not any(map(is_han, text)):
        return
    yield from _labelled(text)
    yield from _after_roles(text)
    yield from _titled(text)
    yield from _with_particulars(text)
    yield from _cells(text)
    yield from _odd_forms(text)
    yield from _of_peoples(text)


def _name(start: int, end: int, weight: int = 60) -> Span:
    return Span(start, end, Kind.NAME, weight)


def _bounded(text: str, end: int) -> bool:
    return end >= len(text) or not is_han(text[end])


def _labelled(text: str) -> Iterator[Span]:
    """Names behind a label and a colon, or a label and a space; and lists of them."""
    for match in _LABEL.finditer(text):
        at = match.end()
        firm = match.group("sep") in ":/" or _FIRM_LABEL.match(match.group()) is not None
        while True:
            end = _labelled_end(text, at, firm=firm)
            if end is None:
                break
            yield _name(at, end, 62)
            more = _LIST.match(text, end)
            if not more or more.end() == end:
                break
            at, firm = more.end(), False


def _labelled_end(text: str, at: int, *, firm: bool) -> int | None:
    found = name_end(text, at)
    if found is None:
        return _people_end(text, at) if firm else None
    end, usual = found
    word = "".join(text[at:end].split())
    if word in _NOBODY or (is_ordinary(word) and not (firm and _bounded(text, end))):
        return None
    if is_ordinary(text[at : at + 2]) and not _bounded(text, end):
        return None
    if usual and (firm or _bounded(text, end) or _FOLLOW.match(text, end)):
        return end
    return end if firm and _bounded(text, end) and not _medical(word) else None


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
        named = _NAMED.search(match.group()) and _bounded(text, end)
        ordinary = is_ordinary(word) or is_ordinary(text[at : at + 2])
        if named or (usual and not ordinary):
            yield _name(at, end)


def _kin_given(text: str, match: re.Match[str], at: int) -> Iterator[Span]:
    """`闺女思雨`: a relative's given name alone."""
    if at != match.end() or not re.fullmatch(_KIN, match.group()):
        return
    word = text[at : at + 2]
    usual = characters("given")
    if len(word) == 2 and all(c in usual for c in word) and not is_ordinary(word):  # noqa: PLR2004
        following = text[at + 2 : at + 3]
        if following not in usual:
            yield _name(at, at + 2, 52)


def _titled(text: str) -> Iterator[Span]:
    """`李医生`, `欧阳修文主任`: the longest name that ends where the title begins."""
    for match in _TITLE.finditer(text):
        start = _titled_start(text, match.start())
        if start is None:
            continue
        whole = surname_end(text, start) == match.start()
        yield _name(start, match.end() if whole else match.start(), 61)


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
    if whole and text[start - 1 : start + 1] in _BEFORE_TITLE and start:
        return False
    if is_ordinary(text[start:end]) or (start and is_ordinary(text[start - 1 : end])):
        return False
    if (
        not before
        or not is_han(before[-1])
        or before[-1]
        in "科部请由经与和及遵挂找约跟随是叫给的向让告知诊人者室组院说问对姓在到班日晨午天晚"
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
        if usual or _bounded(text, end):
            if is_ordinary("".join(tight.split())) and not re.match(
                r"[\s,(]{1,4}[男女]|[\s,(]{1,3}\d{1,3}岁", text[end:]
            ):
                continue
            yield _name(at, end, 58)


_START = re.compile(rf"(?:^|(?<=[^{_HAN}A-Za-z\d]))(?=[{_HAN}])")


def _starts(text: str) -> Iterator[re.Match[str]]:
    return _START.finditer(text)


def _cells(text: str) -> Iterator[Span]:
    """Names with a place of their own: a line, a cell, a bracket, between two marks."""
    for match in _CELL.finditer(text):
        start, end = match.span()
        word = match.group()
        found = name_end(text, start)
        if found is None or found[0] != end or not found[1]:
            continue
        if is_ordinary(word) or is_ordinary(word[:2]) or is_ordinary(word[1:]):
            continue
        before, after = text[max(0, start - 1) : start] or "\n", text[end : end + 1] or "\n"
        spaced = before in _CELL_MARKS and after in _CELL_MARKS
        bracketed = before == "(" and after in "),"
        marked = len(word) > 2 and before in "\n。,:;、(" and after in "。,:;、(."  # noqa: PLR2004
        if spaced or bracketed or marked:
            yield _name(start, end, 51)
    for match in _AFTER_MARK.finditer(text):
        found = name_end(text, match.end())
        if found is None or not found[1] or found[0] - match.end() < 3:  # noqa: PLR2004
            continue
        word = text[match.end() : found[0]]
        if (
            not is_ordinary(word[:2])
            and not is_ordinary(word[1:3])
            and _FOLLOW.match(text, found[0])
        ):
            yield _name(match.end(), found[0], 50)
    for match in _LATIN_BEFORE.finditer(text):
        found = name_end(text, match.end())
        before = text[max(0, match.start() - 24) : match.start()]
        if found and not _LATIN_NAME.search(before):
            continue
        if found and found[1] and _bounded(text, found[0]):
            yield _name(match.end(), found[0], 51)


def _odd_forms(text: str) -> Iterator[Span]:
    for match in _DOTTED.finditer(text):
        role = _ROLE_HEAD.match(match.group())
        yield _name(match.start() + (role.end() if role else 0), match.end(), 66)
    for match in _pattern(_SOMEONE.pattern).finditer(text):
        yield _name(*match.span(), 57)
    for match in _pattern(_SAID_SURNAME.pattern).finditer(text):
        yield _name(*match.span("n"), 57)
    for match in _pattern(_ADDRESS_FORM.pattern).finditer(text):
        if match.group() not in words("ordinary_forms"):
            yield _name(*match.span(), 57)
    for match in _TWIN.finditer(text):
        if not is_ordinary(match.group("n")):
            yield _name(*match.span("n"), 57)


@cache
def _peoples() -> re.Pattern[str]:
    return re.compile(rf"(?:{alternatives('morphemes')}){{2,4}}")


def _people_end(text: str, at: int) -> int | None:
    match = _peoples().match(text, at)
    return match.end() if match else None


def _of_peoples(text: str) -> Iterator[Span]:
    """Names put together of two pieces at least that Tibetan, Uyghur and other names are made of."""
    for match in _peoples().finditer(text):
        yield _name(*match.span(), 59)


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
