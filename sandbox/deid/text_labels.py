"""Numbers that only the word in front of them tells apart: record numbers, accounts, serials, beds.

A label, up to a few marks, then a value of Latin letters and digits that holds a digit. One table,
the most telling kinds first.
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_spans import Kind, Span

_SEP = (
    r"(?:\s{0,3}(?:[:#№=]|号码|编号|号|为|是|No\.?|no\.?|number|Number|NUMBER|ID)){0,3}[\s(\[]{0,3}"
)
_WORD_ENDS = r"(?:(?<=[A-Za-z])(?![A-Za-z])|(?<![A-Za-z]))"
_PIECE = r"[A-Za-z\d](?:[A-Za-z\d]|[-_/.–](?=[A-Za-z\d])){0,39}"
_MORE = (
    r"(?:[ ]?-?[ ]?(?=[A-Z\d-]{0,16}\d)[A-Z\d](?:[A-Z\d]|-(?=[A-Z\d])){0,15}(?![\w]|"
    r"[-./年月日:]\d?)){0,5}"
)
_SPACED = (
    rf"(?:[A-Z][A-Z\-]{{0,6}}[ -](?=[A-Z\d-]{{0,16}}\d))?(?=[A-Za-z\-_/.]{{0,30}}\d){_PIECE}{_MORE}"
)
_SINGLE = rf"(?=[A-Za-z\-_/.]{{0,30}}\d){_PIECE}"
_LOOSE = r"[A-Za-z\d][\w.\-]{3,30}"

_ROWS: tuple[tuple[Kind, int, str, str], ...] = (
    (
        Kind.ID_NUMBER,
        84,
        r"身份证(?:件)?(?:号码|号)?|公民身份号码|社会保障号码?|证件号码?|SSN|Social Security",
        r"(?=[\dXx\-– ]{6})\d[\dXx\-– ]{4,22}[\dXx]",
    ),
    (
        Kind.BANK_CARD,
        83,
        (
            r"银行卡[^\d\n]{0,8}|(?<!诊)(?<!疗)(?<!就诊)卡号|储蓄卡|信用卡|[Cc]redit [Cc]ard|"
            r"[Cc]ard (?:no|number|payment)|退费至|汇至|打款至|转账至"
        ),
        r"\d(?:[ -]?\d){11,21}",
    ),
    (
        Kind.INSURANCE,
        83,
        (
            r"医保(?:卡|电子凭证|凭证|编号|个人编号)?(?:号码?|码)?|社保(?:卡)?(?:号码?)?|"
            r"新农合(?:证|卡)?号?|"
            r"合作医疗(?:证|卡)?号?|保险单?号?|保单(?:号码?)?|参保号|保险|"
            r"(?:[Ii]nsurance|[Ii]nsurer)(?: (?:[Pp]olicy|ID|[Nn]o\.?|[Nn]umber))?|"
            r"[Pp]olicy(?: (?:[Nn]o\.?|[Nn]umber))?|"
            r"[Mm]ember ID|Medicare|Medicaid|[Ss]ubscriber(?: ID)?|[Gg]roup (?:[Nn]o\.?|"
            r"[Nn]umber)|[Hh]ealth [Pp]lan"
        ),
        _SPACED,
    ),
    (
        Kind.PASSPORT,
        84,
        (
            r"护照(?:号码?)?|(?:往来|來往)?[^\s\d:]{0,6}通行证(?:号码?)?|台胞证号?|回乡证号?|"
            r"军官证(?:号码?)?|士兵证(?:号码?)?|"
            r"警官证(?:号码?)?|军人证号?|优待证(?:号码?)?|残疾军人证号?|居留证号?|签证号?|"
            r"[Pp]assport(?: [Nn]o\.?| [Nn]umber)?|PASSPORT|[Vv]isa [Nn]o\.?|[Mm]ilitary ID"
        ),
        (
            r"(?:[一-龥]{1,3}(?:字第|第))?(?=[A-Za-z\-]{0,20}\d)[A-Za-z\d][A-Za-z\d\-]{4,19}号?|"
            r"[一-龥]{1,2}[A-Z]?\d{6,12}"
        ),
    ),
    (
        Kind.WECHAT,
        82,
        (
            r"微信(?:号|ID)?|VX|vx|WeChat(?: ID)?|Wechat|wechat|WhatsApp|QQ(?:号码?)?|qq|抖音号?|"
            r"微博|钉钉|Skype|Telegram|Line ID|用户"
        ),
        r"[A-Za-z][A-Za-z\d_\-]{4,29}|\d{5,12}",
    ),
    (
        Kind.ACCOUNT,
        81,
        r"账号|帐号|账户|帐户|户号|支付宝(?:账号|号)?|登录名|用户名|工作站账号",
        _LOOSE,
    ),
    (
        Kind.ACCOUNT,
        81,
        (
            r"[Aa]cc(?:oun)?t(?: (?:no\.?|number|#))?|ACCT|ACCOUNT|[Uu]ser ?(?:name|ID)|"
            r"[Ll]ogin(?: ID)?"
        ),
        r"(?=[A-Za-z.\-]{0,30}[\d_])" + _LOOSE,
    ),
    (
        Kind.DEVICE_SERIAL,
        80,
        (
            r"序列号|序列(?=[: ]?[A-Z]{2})|设备(?:编号|号)|机器(?:编号|号)|机身号|出厂编号|"
            r"镜号|泵号|"
            r"呼吸机编?号|起搏器编?号|植入物编?号|植体号|助听器编?号|机器|"
            r"[Ss]erial(?: (?:[Nn]umber|[Nn]o\.?))?|SERIAL(?: NO\.?| NUMBER)?|S/N|SN|"
            r"[Dd]evice(?: ID| [Nn]o\.?)?|UDI"
        ),
        _SPACED,
    ),
    (
        Kind.OTHER_ID,
        79,
        (
            r"病理(?:编|标本)?号|标本(?:编)?号|样本(?:编)?号|样品(?:编)?号|条形?码号?|"
            r"血袋(?:编)?[码号]|筛选(?:编)?号|入组(?:编)?号|"
            r"受试者(?:编)?号|随机(?:编)?号|体检(?:编)?号|预约(?:编)?号|腕带(?:编)?号|工号|胸牌号|"
            r"证书(?:编)?号|残疾证(?:编)?号|"
            r"出生(?:医学)?证明?(?:编)?号|快递单?号|运单号|订单号|受理号|执业证(?:书)?(?:编)?号|"
            r"驾驶证(?:编)?号|驾照(?:编)?号|"
            r"档案(?:编)?号|备案号|发票号|收据号|蜡块号|玻片号|家系(?:编)?号|器官捐献编号|"
            r"知情同意书编号|编号|"
            r"[Pp]ath(?:ology)? (?:[Nn]o\.?|[Nn]umber|#)|[Cc]ase(?: [Nn]o\.?| #)?|"
            r"[Ss]pecimen(?: ID| [Nn]o\.?| #)?|[Ss]ubject(?: ID| [Nn]o\.?)?|"
            r"[Tt]rial ID|[Tt]racking(?: [Nn]o\.?| [Nn]umber| #)?|NHS(?: [Nn]o\.?| [Nn]umber)?|"
            r"[Ll]icen[cs]e(?: [Nn]o\.?| [Nn]umber| #)?|DL#|DEA|NPI|"
            r"[Bb]adge(?: [Nn]o\.?)?|[Ee]mployee ID|[Oo]rder (?:[Nn]o\.?|[Nn]umber|#)|"
            r"[Cc]ertificate(?: [Nn]o\.?)?|[Ss]creening (?:ID|[Nn]o\.?)|VIN"
        ),
        _SPACED,
    ),
    (
        Kind.MRN,
        78,
        (
            r"住院(?:编)?号|门诊(?:卡|编)?号|门急诊号|病历(?:编)?号|病历|病案(?:编)?号|病案|"
            r"病人(?:ID|编号|号)|患者(?:ID|编号|号)|患儿(?:ID|编号|号)|登记(?:编)?号|"
            r"检查(?:编)?号|检查单号|影像(?:编)?号|放射(?:编)?号|超声(?:编)?号|"
            r"心电(?:图)?(?:编)?号|内镜(?:编)?号|胃镜(?:编)?号|CT(?:编)?号|MR(?:编)?号|"
            r"X线(?:编)?号|片号|"
            r"就诊(?:卡)?(?:编)?号|就诊卡|诊疗卡(?:编)?号?|急诊(?:编)?号|申请单?(?:编)?号|流水号|"
            r"报告(?:编)?号|ZYH|MZH|BAH|"
            r"MRN|M\.R\.N\.|[Mm]ed(?:ical)? [Rr]ec(?:ord)?(?: [Nn]o\.?| [Nn]umber| #)?|"
            r"MEDICAL RECORD(?: NO\.?| NUMBER)?|[Hh]osp(?:ital)?\.? (?:[Nn]o\.?|[Nn]umber|#|ID)|"
            r"[Cc]hart(?: [Nn]o\.?| [Nn]umber| #)|[Pp](?:atient|t)\.? (?:ID|[Nn]o\.?|[Nn]umber|#)|"
            r"UHID|[Uu]nit (?:[Nn]o\.?|[Nn]umber)|ID|"
            r"[Aa]ccession(?: [Nn]o\.?| [Nn]umber| #)?|ACCESSION|[Aa]cc\.? ?(?:#|[Nn]o\.?)|"
            r"[Ee]xam (?:ID|[Nn]o\.?|#)|[Ss]tudy (?:ID|[Nn]o\.?)|"
            r"US #|CT #|MR #|MRI #|XR #|[Ee]ncounter(?: ID| #| [Nn]o\.?)?|[Vv]isit (?:ID|#|"
            r"[Nn]o\.?)|CSN|FIN|HAR"
        ),
        _SINGLE,
    ),
    (
        Kind.PHONE,
        77,
        (
            r"电话(?:号码?)?(?:显示)?|手机(?:号码?)?|号码(?:显示)?|座机(?:号码?)?|小灵通|短号|内线|"
            r"分机号?|传真|呼机|热线|拨打?|呼叫|[Tt]el(?:ephone)?\.?|TEL|[Pp]hone|PHONE|[Mm]obile|"
            r"[Cc]ell(?:phone)?|[Ff]ax|FAX|[Ee]xt(?:ension)?\.?|ph\.?|"
            r"[Pp]ager|PAGER|[Bb]leep|[Bb]eeper"
        ),
        r"\+?\(?\d(?:[ \-‐-―()·.]{0,2}\d){2,15}",
    ),
    (
        Kind.PHONE,
        70,
        (
            r"转(?=\d{3,5}(?!\d|次|圈))|传呼|(?:通知|致电|电告|打|呼|联系|回电|转接)[一-龥]{0,8}|"
            r"[Pp]aged? (?:at |on )?"
        ),
        r"\d{3,4}[ -]?\d{0,8}(?![\d岁年月日号床次分秒小时天周片支瓶袋mMgGuU%.:/])",
    ),
    (
        Kind.PLATE,
        76,
        (
            r"车牌(?:号码?)?|号牌|[Pp]late(?: (?:[Nn]o\.?|[Nn]umber|#))?(?: on [a-z ]{1,20})?|"
            r"[Rr]egistration plate"
        ),
        r"(?=[A-Z\d -]{0,10}\d)[A-Z\d]{2,4}[ -]?[A-Z\d]{2,5}",
    ),
)

_COMPILED = tuple(
    (kind, weight, re.compile(rf"(?:{labels}){_WORD_ENDS}{_SEP}({value})"))
    for kind, weight, labels, value in _ROWS
)

_NEAR = 16
_WARD = (
    r"(?:(?:心血管|心胸|神经|泌尿|消化|呼吸|血液|内分泌|肿瘤|新生儿|重症|康复|肝胆|胃肠|"
    r"心身|风湿|感染|急诊|综合|妇产|创伤|脊柱|关节|"
    r"[心胸骨神普肾妇产儿急眼内外])?[内外]?[一二三四五六七八九十]?(?:科|病?区|抢救室?|"
    r"留观室?|病房|监护室|内|外)?(?:[A-Z\d]{1,2}(?=病?区|楼|层))?(?:病?区|楼|层)?[ ]?)"
)
_BED = re.compile(
    r"\d{1,3}[A-Z]?(?:号?床(?![旁边])位?|号机位|机位)|"
    r"床[号位][: ]{0,2}(?P<n>(?:[A-Z]区)?[A-Z]?\+?\d{1,3}(?!\d)床?)"
    r"|(?:[Bb]ed|BED)(?: no\.?| #|#)?[ :]{0,2}\d{1,3}[A-Z]?(?:-[A-Z\d]{1,3})?\b"
    r"|(?:[Rr]m|[Rr]oom|RM|ROOM)\.?[ :#]{0,2}\d{1,4}(?:-?[A-Z])?\b",
    re.ASCII,
)
_BEFORE_BED = re.compile(
    rf"(?:{_WARD}(?:[A-Z]{{2,5}}[ -]?)?[+加]?|\d{{1,2}} (?:West|East|North|South) )\Z"
)


def labelled_in(text: str) -> Iterator[Span]:
    """Every labelled number of a view's text."""
    for kind, weight, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if not _inside_word(text, match.start()):
                yield Span(*match.span(1), kind, weight)
    for match in _BED.finditer(text):
        if not _inside_word(text, match.start()):
            yield _bed(text, match)


def _bed(text: str, match: re.Match[str]) -> Span:
    """A bed and the ward it is named with."""
    start, end = match.span("n") if match.group("n") else match.span()
    near = text[max(0, start - _NEAR) : start]
    ward = _BEFORE_BED.search(near)
    if ward and not match.group("n"):
        start -= len(near) - ward.start()
    return Span(start, end, Kind.BED, 65)


def _inside_word(text: str, at: int) -> bool:
    """Whether a Latin label is only the end of a longer word."""
    return at > 0 and _latin(text[at]) and _latin(text[at - 1])


def _latin(character: str) -> bool:
    return character.isascii() and character.isalpha()
