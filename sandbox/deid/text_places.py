"""Places smaller than a province or state, named hospitals and organisations, telling employers.

Chinese addresses are chains of units (市 区 县 镇 乡 村 路 号 楼 单元 室), each a few characters
and its unit; two of them, or one behind a label, make an address. Departments and words such as
我院 stay.

Source: 45 CFR 164.514(b)(2)(i)(B).
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.words import words

_LONGEST_CHAIN = 12
_SHORT = 2
_MIN_ORG = 5
_HAN = r"一-鿿"
_UNIT = re.compile(
    rf"(?P<body>[{_HAN}A-Za-z\d\-]{{1,10}}?)"
    r"(?P<unit>特别行政区|自治区|自治州|自治县|自治旗|街道(?:办事处)?|居委会|村委会|社区|"
    r"小区|新村|新区|开发区|高新区|工业园|家属院|家属楼|宿舍|大街|大道|胡同|公寓|花园|"
    r"大厦|大楼|广场|街坊|山庄|单元|号楼|号院|号线|市|州|盟|地区|县|区|旗|镇|乡|苏木|村|"
    r"庄|屯|寨|堡|路|街|巷|弄|里|组|队|号|楼|栋|幢|座|层|室|户|苑|院|"
    r"园)(?![静痛定域径别理面旁易疫街路巷])"
)
_TAIL = re.compile(
    rf"(?:[ ,，]?(?:[甲乙丙丁东西南北]?\d{{1,5}}(?:[-—－]\d{{1,5}}){{0,3}}(?:号楼|号院|号|"
    rf"栋|幢|座|单元|楼|层|室|户|组|队)?|"
    rf"[A-Za-z东西南北甲乙丙丁\d一二三四五六七八九十]{{1,4}}(?:区|号楼|号院|号|栋|幢|座|"
    rf"单元|楼|层|室|户|组)|"
    rf"[{_HAN}]{{2,6}}(?:小区|新村|街坊|家属院|公寓|花园|大厦|山庄|苑)|(?:交叉口|"
    rf"路口)?[东西南北]{{1,2}}(?:角|侧|边|户|头)|[{_HAN}]{{0,6}}?(?:旁边?|附近|对面|"
    rf"脚下[{_HAN}]{{0,3}}|门口)))+"
)
_CROSSING = re.compile(
    rf"[与和][{_HAN}]{{1,6}}?(?:路|街|大道)(?:交叉口|路口|交汇处?|"
    rf"交界处?)?(?:[东西南北]{{1,2}}(?:角|侧|边))?(?:[{_HAN}]{{1,6}}(?:旁|附近|对面|门口))?"
)
_LABEL = re.compile(
    r"(?:(?:家庭|现|户籍|户口|居住|通讯|联系|单位|邮寄|收件|寄送|常住|出生)?(?:住址|地址|"
    r"所在地|居住地|户籍地)|籍贯|出生地|户籍|现居住?|家住|现住|居住[在于]?|住在|"
    r"租住[在于]?|暂住|住(?!院)|居(?=[{h}]{{2}})|"
    r"来自|老家|寄到|寄往|寄|现场|送往|位于|在|到|从|去往?|from|From|"
    r"[Aa]ddress)[: ]{{0,3}}".replace("{h}", _HAN)
    .replace("{{", "{")
    .replace("}}", "}")
)
_FIRM_LABEL = re.compile(
    r"住址|地址|所在地|居住地|籍贯|出生地|户籍|现居|家住|现住|居住|住在|租住|住|来自|老家|"
    r"现场|[Aa]ddress|[Ff]rom|居"
)
_CUT = re.compile(
    r"^.*(?:家住|现住|居住|住在|住址|地址|来自|位于|前往|现场|籍贯|户籍|送至|送到|寄到|于|"
    r"在|从|到|至|去|往|住|居|寄|(?P<other>患者|病人|收治|因|经(?![一二三四五六七八九十])|"
    r"由|为|是|系|的|了|和|与|及|现|我|他|她|说|整|嘛|,|:))(?=.{2})"
)
_BAD_BODY = re.compile(
    r"[病症炎癌瘤痛肿肺肝肾胃肠脑颅骨膜腺脉血尿便淋囊胸腹颈腰髋膝肌肋椎颞枕瓣灶征切术]|"
    r"强化|[肺上中下]叶|信号|影像|密度|心[室房前尖脏腔]|消化|呼吸|检查|报告|门诊|急诊|住院"
)
_NO_PLACE = re.compile(r"转[入至院]|我[院科]|来[院诊]|予以|查体|[主自]诉")
_POSTCODE = re.compile(
    r"(?:邮编|邮政编码|[Zz]ip(?: code)?|[Pp]ost(?:al )?code)[: ]{0,3}(?P<n>\d{5,6}(?:-\d{4})?)"
)

_ZH_HOSPITAL = re.compile(
    rf"[{_HAN}\dA-Za-z]{{2,18}}?(?:医院|卫生院|卫生所|卫生室|卫生站|卫生服务(?:中心|站)|"
    rf"医学检验(?:所|中心|实验室)|检验所|诊所|保健院|疗养院|疗养所|医疗中心|医共体总院|"
    rf"医学中心|总院|"
    rf"急救中心|疾控中心|疾病预防控制中心|血站|血液中心|门诊部|康复中心|体检中心|专科中心|"
    rf"透析中心|肿瘤中心|护理院|养老院|敬老院|福利院|卫生中心|传染病院|精神病院|儿童医院|"
    rf"影像中心)(?!感染|获得|内|外|级)"
)
_NOT_HOSPITAL = re.compile(
    r"^(?:送?检|就诊|申请|委托|转诊|收治|我|本|贵|该|外|当地|上级|下级|某|此|原|他|两|"
    r"多家|各|同|转|在|基层|社区|综合|专科|三甲|三级(?:甲等)?|二级(?:甲等)?|公立|民营|"
    r"私立|省级|市级|县级|附近|大|医|人民|中医|儿童|妇幼|部队|地方|军队|"
    r"互联网|教学|附属|定点|协作|首诊|就近|其他|别的|哪家|家|至|于|到|乡镇|村|区域|国家|"
    r"区|县|市|省)*(?:医院|卫生院|诊所|卫生室|卫生所|卫生站|卫生服务中心|卫生服务站|"
    r"体检中心|康复中心|急救中心|总院|门诊部|保健院|影像中心|透析中心|检验所|医学中心|"
    r"医疗中心|养老院|敬老院)$"
)
_HOSPITAL_CUT = re.compile(
    r"^.*(?:患者|病人|接种点|送检单位|入住|就诊于|就诊|转入|转至|转往|转诊|转自|转|送至|"
    r"送往|送|前往|前去|曾在|曾于|遂至|遂来|遂|于|在|至|到|往|赴|由|(?<!神)经|从|去|得|自|"
    r"请|是|为|及|和|与|因|后|现|来|回|:|日|月|年)(?=.{3})"
)
_EN_HOSPITAL = re.compile(
    r"\b(?:(?:[A-Z][A-Za-z'’.\-]{0,24}|of|the|and|&|St\.?) ){1,6}(?:Hospitals?|"
    r"Medical Cent(?:er|re)|Clinic|Infirmary|Health Cent(?:er|re)|Hospice|Surgery|"
    r"Primary Care|Imaging|Healthcare|"
    r"Health System|Orthopaedics|Family Practice|Medical Group|Sanatorium|Nursing Home|"
    r"Care Home|Rehab(?:ilitation)?(?: Cent(?:er|re))?|Urgent Care|Pharmacy|GEN)\b"
    r"|\b[A-Z]{3,24} (?:GEN|GENERAL|HOSPITAL|MEDICAL CENTER|CLINIC)\b(?: HOSPITAL)?",
    re.ASCII,
)
_ZH_ORG = re.compile(
    rf"[{_HAN}A-Za-z\d]{{2,16}}?(?:有限责任公司|股份有限公司|有限公司|公司|集团|协作组|"
    rf"基金会|协会|学会|研究院|研究所|派出所|公安局|法院|检察院|银行|保险|律师事务所|"
    rf"村委会|居委会|街道办)"
)
_EN_ORG = re.compile(
    r"\b(?:[A-Z][A-Za-z'’.\-]{0,24}(?:,)? (?:(?:&|and|of|the) )?){1,5}(?:Foundation|"
    r"University|College|School|Academy|Inc\.?|Ltd\.?|LLC|LLP|PLC|Corp(?:oration)?|"
    r"Company|Co\.|Church|Bank|Group|Foundry|Institute|Association|Society|Trust|Council|"
    r"Police Department|Brewery|Museum|Airlines|Railways?)\b(?! of (?:the )?(?:hip|knee))",
    re.ASCII,
)
_EMPLOYER = (
    r"(?:厂|公司|集团|小学|中学|学校|大学|学院|幼儿园|师专|矿|油田|局|供电所|派出所|邮局|"
    r"银行|部队|[一二三四五六七八九\d]+[团营连旅师]|剧团|乐团|商店|超市|酒店|饭店|宾馆|"
    r"修理部|修理厂|船队|车队|车站|机场|港口|码头|"
    r"农场|林场|茶园|果园|养殖场|牧场|渔场|寺|教堂|博物馆|图书馆|动物园|植物园|报社|"
    r"电视台|电台|研究所|研究院|律所|律师事务所|事务所|工地|项目部|村委会|居委会|退管办|"
    r"办事处|监狱|消防队|武警|气象站|灯塔|水库|电站|煤矿|铁路局|地铁|公交|航空)"
)
_WORKPLACE = re.compile(
    rf"单[ \t]{{0,3}}位[:\s][ \t]{{0,3}}(?P<c>[{_HAN}A-Za-z\d]{{3,24}})(?=[ \t\n,。]|$)"
)
_WORK = re.compile(
    rf"(?:单位(?:名称)?(?:为|是)?|就职于|供职于|任职于|就读于|毕业于|工作于|在职于|受雇于|"
    rf"退休前在|原在|我在|就业于|"
    rf"原)[: ]{{0,3}}(?P<n>[{_HAN}A-Za-z\d]{{2,20}}?{_EMPLOYER}(?:[{_HAN}]{{0,8}}(?:工人|"
    rf"司机|教师|老师|外教|教[{_HAN}]{{1,3}}|工程师|经理|会计|班|员|长|工|师|办|部|科))?)"
)
_JOB = re.compile(
    rf"(?<=[,，、 (岁。])(?P<n>[{_HAN}]{{2,12}}?{_EMPLOYER}[{_HAN}]{{0,8}}?(?:司机|外教|"
    rf"教师|老师|工人|工程师|所长|厂长|校长|站长|船长|矿长|场长|经理|会计|技术员|驾驶员|"
    rf"轮机员|飞行员|演员|保安|厨师|护林员|研究员|主播|记者|编辑|退休))(?=[,，。、;)\s大]|"
    rf"$)"
    rf"|(?<=[,，、 (岁。])(?P<m>[{_HAN}]{{2,10}}(?:师专|大学|学院|中学|小学|体校|艺校|"
    rf"戏校)[{_HAN}]{{1,8}}班?)(?=[,，。、;)\s大]|$)"
)
_EN_WORK = re.compile(
    r"\b(?:[Ww]orks? (?:as|for|at)|[Ww]orking (?:as|for|at)|[Ee]mployer(?: is)?[: ]|"
    r"[Ee]mployed (?:as|by|at)|[Oo]ccupation:|[Jj]ob:|[Pp]rofession:|"
    r"[Rr]etired from)[: ]{0,2}(?:an? |the )?(?P<n>[a-z\- ]{0,40}?(?:(?:at|for|of|in|"
    r"with) )?(?:[A-Z][A-Za-z'’\-]{1,24}(?: (?:of|and|&|the))? ?){1,6})"
    r"|\bis (?:\d{1,3} and )?(?P<d>(?:drives|runs|owns|keeps|teaches|conducts|"
    r"manages) (?:the|a|an) [a-z\- ]{3,40} (?:in|at|of|"
    r"on) (?:[A-Z][A-Za-z'’\-]{1,24} ?){1,4})",
    re.ASCII,
)

_STATE = (
    r"(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|"
    r"RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY]|NSW|VIC|QLD|TAS|ACT)"
)
_STREET = (
    r"(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Dr|Drive|Ln|Lane|Ct|Court|Cir|Circle|"
    r"Way|Pl|Place|Ter|Terrace|Pkwy|Parkway|Hwy|Highway|Sq|Squares?|Trail|Trl|Loop|"
    r"Crescent|Cres|Close|Gardens?|Grove|Wynd|Mews|Row|Walk|"
    r"Hill|Quay|Rise|View|Alley|Path|Pike|Bend|Plaza|Bypass|Wharf|Green|STREET|AVE|AVENUE|"
    r"ROAD|RD|LANE|LN|DRIVE|CT|COURT|BLVD|WAY|PLACE)"
)
_PLACE = r"(?:[A-Z][A-Za-z'’.\-]{1,24}(?: [A-Z][A-Za-z'’.\-]{1,24}){0,3})"
_UK_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_ADDRESS_TAIL = (
    rf"(?:(?:,|\n|,\n| -)? ?(?:(?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Fl|Rm|Room|"
    rf"#)\.? ?#?[A-Z]?\d{{0,5}}[A-Z]?\b|{_PLACE}\b(?! ?[:=])|"
    rf"{_STATE}\b(?: ?\d{{5}}(?:-\d{{4}})?)?|\d{{4,6}}(?:-\d{{4}})?\b(?!\d)|"
    rf"{_UK_POSTCODE})){{0,6}}"
)
_EN_STREET = re.compile(
    rf"\b\d{{1,5}}[A-Za-z]?(?:-\d{{1,4}})? (?:(?:N|S|E|W|North|South|East|West|NE|NW|SE|"
    rf"SW)\.? )?(?:[A-Z\d][A-Za-z'’.\-]{{0,24}} ){{1,4}}{_STREET}\b\.?{_ADDRESS_TAIL}",
    re.ASCII,
)
_EN_CITY = re.compile(
    rf"\b{_PLACE}, ?{_STATE} \d{{5}}(?:-\d{{4}})?\b|\b{_PLACE},? {_UK_POSTCODE}\b", re.ASCII
)
_EN_POSTCODE = re.compile(rf"(?<![A-Za-z\d\-/]){_UK_POSTCODE}(?![A-Za-z\d])")
_EN_BOX = re.compile(
    r"\bP\.? ?O\.? ?Box \d{1,6}\b|\bmile marker \d+(?:, [A-Z][A-Za-z ]{2,30}){0,3}|"
    r"\b(?:County Road|Route|Highway|Interstate) (?:[A-Z]|\d{1,4})\b",
    re.ASCII,
)
_EN_LIVES = re.compile(
    rf"\b(?:[Ll]ives (?:at|in|on)|[Rr]esid(?:es|ing) (?:at|in|on)|[Rr]esident of|"
    rf"[Aa]ddress(?: is(?: still)?)?:?|r/o(?= (?:Flat|House|H\.? ?[Nn]o|No\.?|\d))|"
    rf"[Hh]ome address:?|moved (?:here )?from|[Ll]iving in|[Ff]lew in from|"
    rf"[Bb]orn in)[ ]{{1,3}}"
    rf"(?P<n>(?:(?:Flat|Unit|Apt\.?|House|"
    rf"No\.?) ?[A-Z\d]{{1,5}},? )?\d{{0,5}}[A-Za-z]? ?{_PLACE}{_ADDRESS_TAIL})",
    re.ASCII,
)
_HL7_ADDRESS = re.compile(r"(?<=\|)\d{1,5} [A-Z][A-Z ]{2,40}\^[^|\n]{0,60}(?=\|)")


def places_in(text: str) -> Iterator[Span]:
    """Every address, hospital, organisation and telling employer of a view's text."""
    for match in _POSTCODE.finditer(text):
        yield Span(*match.span("n"), Kind.ADDRESS, 83)
    if re.search(f"[{_HAN}]", text):
        yield from _chinese_addresses(text)
        yield from _chinese_institutions(text)
        yield from _employers(text)
    yield from _english(text)


def _chinese_addresses(text: str) -> Iterator[Span]:
    """Chains of units that touch one another, with what follows the last of them."""
    at = 0
    while at < len(text):
        chain = _chain(text, at)
        if chain is None:
            break
        units, at = chain
        start, end = units[0].start(), units[-1].end()
        label = _LABEL.search(text[max(0, start - 8) : start])
        labelled = bool(label and label.end() == min(8, start))
        start, led = _left_edge(text, start, units[0].end())
        if _is_address(text[start:end], units, labelled=labelled or led):
            for tail in (_CROSSING, _TAIL):
                more = tail.match(text, end)
                if more:
                    end = more.end()
            yield Span(start, end, Kind.ADDRESS, 64)
            at = end


def _chain(text: str, at: int) -> tuple[list[re.Match[str]], int] | None:
    first = _UNIT.search(text, at)
    if not first:
        return None
    units = [first]
    while True:
        more = _UNIT.match(text, units[-1].end())
        if (
            not more
            or len(units) > _LONGEST_CHAIN
            or _BAD_BODY.search(more.group("body"))
            or _NO_PLACE.search(more.group("body"))
        ):
            return units, units[-1].end()
        units.append(more)


def _left_edge(text: str, start: int, end: int) -> tuple[int, bool]:
    """Where the first unit's own name begins, and whether a word leads to it."""
    cut = _CUT.match(text[start:end])
    return (start + cut.end(), cut.group("other") is None) if cut else (start, False)


def _is_address(body: str, units: list[re.Match[str]], *, labelled: bool) -> bool:
    single = len(units) == 1
    own = body[: -len(units[0].group("unit"))] if single else units[0].group("body")[-4:]
    if body in words("generic_places") or _BAD_BODY.search(own):
        return False
    strong = sum(unit.group("unit") in words("strong_units") for unit in units)
    if single:
        return labelled and strong == 1 and len(body) > _SHORT
    numbered = any(unit.group("body")[-1:].isdecimal() for unit in units)
    return strong > 1 or (strong == 1 and (numbered or labelled))


def _chinese_institutions(text: str) -> Iterator[Span]:
    for match in _ZH_HOSPITAL.finditer(text):
        start = _own_start(match)
        if not _NOT_HOSPITAL.match(text[start : match.end()]):
            yield Span(start, match.end(), Kind.HOSPITAL, 66)
    for match in _ZH_ORG.finditer(text):
        start = _own_start(match)
        if match.end() - start >= _MIN_ORG:
            yield Span(start, match.end(), Kind.ORG, 48)


def _own_start(match: re.Match[str]) -> int:
    """Where an institution's own name begins: behind the last word that leads to a place."""
    cut = _HOSPITAL_CUT.match(match.group())
    return match.start() + (cut.end() if cut else 0)


def _employers(text: str) -> Iterator[Span]:
    for match in _WORKPLACE.finditer(text):
        if text[max(0, match.start() - 1) : match.start()] in "\n \t作":
            yield Span(*match.span("c"), Kind.OCCUPATION_EMPLOYER, 68)
    for pattern in (_WORK, _JOB):
        for match in pattern.finditer(text):
            group = next(name for name, value in match.groupdict().items() if value)
            yield Span(*match.span(group), Kind.OCCUPATION_EMPLOYER, 67)


def _english(text: str) -> Iterator[Span]:
    for pattern in (_EN_STREET, _EN_CITY, _EN_POSTCODE, _EN_BOX, _HL7_ADDRESS):
        for match in pattern.finditer(text):
            yield Span(*match.span(), Kind.ADDRESS, 68)
    for match in _EN_LIVES.finditer(text):
        yield Span(match.start("n"), match.end("n"), Kind.ADDRESS, 67)
    for match in _EN_HOSPITAL.finditer(text):
        yield from _institution(match, Kind.HOSPITAL)
    for match in _EN_ORG.finditer(text):
        yield from _institution(match, Kind.ORG)
    for match in _EN_WORK.finditer(text):
        group = "n" if match.group("n") else "d"
        yield Span(
            match.start(group),
            match.start(group) + len(re.sub(r"(?: and| or| the)* *$", "", match.group(group))),
            Kind.OCCUPATION_EMPLOYER,
            67,
        )


def _institution(match: re.Match[str], kind: Kind) -> Iterator[Span]:
    names = [
        w
        for w in match.group().split()[:-1]
        if w.casefold().strip(",.") not in words("not_hospitals_en") | words("not_names_en")
    ]
    if names:
        start = match.start() + match.group().index(names[0])
        yield Span(start, match.end(), kind, 66)
