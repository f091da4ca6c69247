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
_TOKEN = r"[A-Za-z\d](?:[A-Za-z\d]|[-_/.–](?=[A-Za-z\d])){0,39}"
_MORE = r"(?:[ ]?-?[ ]?(?=[A-Z\d-]{0,16}\d)[A-Z\d](?:[A-Z\d]|-(?=[A-Z\d])){0,15}(?![\w]|[-./年月日:]\d?)){0,5}"
_SPACED = rf"(?:[A-Z][A-Z\-]{{0,6}}[ -](?=[A-Z\d-]{{0,16}}\d))?(?=[A-Za-z\-_/.]{{0,30}}\d){_TOKEN}{_MORE}"
_SINGLE = rf"(?=[A-Za-z\-_/.]{{0,30}}\d){_TOKEN}"
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
        r"银行卡[^\d\n]{0,8}|(?<!诊)(?<!疗)(?<!就诊)卡号|储蓄卡|信用卡|[Cc]redit [Cc]ard|[Cc]ard (?:no|number|payment)|退费至|汇至|打款至|转账至",
        r"\d(?:[ -]?\d){11,21}",
    ),
    (
        Kind.INSURANCE,
        83,
        r"医保(?:卡|电子凭证|凭证|编号|个人编号)?(?:号码?|码)?|社保(?:卡)?(?:号码?)?|新农合(?:证|卡)?号?|"
        r"合作医疗(?:证|卡)?号?|保险单?号?|保单(?:号码?)?|参保号|保险|"
        r"(?:[Ii]nsurance|[Ii]nsurer)(?: (?:[Pp]olicy|ID|[Nn]o\.?|[Nn]umber))?|[Pp]olicy(?: (?:[Nn]o\.?|[Nn]umber))?|"
        r"[Mm]ember ID|Medicare|Medicaid|[Ss]ubscriber(?: ID)?|[Gg]roup (?:[Nn]o\.?|[Nn]umber)|[Hh]ealth [Pp]lan",
        _SPACED,
    ),
    (
        Kind.PASSPORT,
        84,
        r"护照(?:号码?)?|(?:往来|來往)?[^\s\d:]{0,6}通行证(?:号码?)?|台胞证号?|回乡证号?|军官证(?:号码?)?|士兵证(?:号码?)?|"
        r"警官证(?:号码?)?|军人证号?|退役军人[^\s\d:]{0,4}证号?|优待证(?:号码?)?|残疾军人证号?|居留证号?|签证号?|"
        r"[Pp]assport(?: [Nn]o\.?| [Nn]umber)?|PASSPORT|[Vv]isa [Nn]o\.?|[Mm]ilitary ID",
        r"(?:[一-龥]{1,3}(?:字第|第))?(?=[A-Za-z\-]{0,20}\d)[A-Za-z\d][A-Za-z\d\-]{4,19}号?|[一-龥]{1,2}[A-Z]?\d{6,12}",
    ),
    (
        Kind.WECHAT,
        82,
        r"微信(?:号|ID)?|VX|vx|WeChat(?: ID)?|Wechat|wechat|WhatsApp|QQ(?:号码?)?|qq|抖音号?|微博|钉钉|Skype|Telegram|Line ID|用户",
        r"[A-Za-z][A-Za-z\d_\-]{4,29}|\d{5,12}",
    ),
    (
        Kind.ACCOUNT,
        81,
        r"(?:患者|病人|登录|系统|住院|预交金|缴费)?(?:账号|帐号|账户|帐户|户号)|支付宝(?:账号|号)?|登录名|用户名|工作站账号",
        _LOOSE,
    ),
    (
        Kind.ACCOUNT,
        81,
        r"[Aa]cc(?:oun)?t(?: (?:no\.?|number|#))?|ACCT|ACCOUNT|[Uu]ser ?(?:name|ID)|[Ll]ogin(?: ID)?",
        r"(?=[A-Za-z.\-]{0,30}[\d_])" + _LOOSE,
    ),
    (
        Kind.DEVICE_SERIAL,
        80,
        r"(?:设备|机器|仪器|机身|主机|探头|[A-Z]{2,4})?序列号|序列(?=[: ]?[A-Z]{2})|设备(?:编号|号)|机器(?:编号|号)|机身号|出厂编号|镜号|泵号|"
        r"呼吸机编?号|起搏器编?号|植入物编?号|植体号|助听器编?号|机器|"
        r"[Ss]erial(?: (?:[Nn]umber|[Nn]o\.?))?|SERIAL(?: NO\.?| NUMBER)?|S/N|SN|[Dd]evice(?: ID| [Nn]o\.?)?|UDI",
        _SPACED,
    ),
    (
        Kind.OTHER_ID,
        79,
        r"病理(?:编|标本)?号|标本(?:编)?号|样本(?:编)?号|样品(?:编)?号|条形?码号?|血袋(?:编)?[码号]|筛选(?:编)?号|入组(?:编)?号|"
        r"受试者(?:编)?号|随机(?:编)?号|体检(?:编)?号|预约(?:编)?号|腕带(?:编)?号|工号|胸牌号|证书(?:编)?号|残疾证(?:编)?号|"
        r"出生(?:医学)?证明?(?:编)?号|快递单?号|运单号|订单号|受理号|执业证(?:书)?(?:编)?号|驾驶证(?:编)?号|驾照(?:编)?号|"
        r"档案(?:编)?号|备案号|发票号|收据号|蜡块号|玻片号|家系(?:编)?号|器官捐献编号|知情同意书编号|编号|"
        r"(?:[Ss]urgical )?[Pp]ath(?:ology)? (?:[Nn]o\.?|[Nn]umber|#)|[Cc]ase(?: [Nn]o\.?| #)?|[Ss]pecimen(?: ID| [Nn]o\.?| #)?|[Ss]ubject(?: ID| [Nn]o\.?)?|"
        r"[Tt]rial ID|[Tt]racking(?: [Nn]o\.?| [Nn]umber| #)?|NHS(?: [Nn]o\.?| [Nn]umber)?|[Ll]icen[cs]e(?: [Nn]o\.?| [Nn]umber| #)?|DL#|DEA|NPI|"
        r"[Bb]adge(?: [Nn]o\.?)?|[Ee]mployee ID|[Oo]rder (?:[Nn]o\.?|[Nn]umber|#)|[Cc]ertificate(?: [Nn]o\.?)?|[Ss]creening (?:ID|[Nn]o\.?)|VIN",
        _SPACED,
    ),
    (
        Kind.MRN,
        78,
        r"住院(?:编)?号|门诊(?:卡|编)?号|门急诊号|病历(?:编)?号|病历|病案(?:编)?号|病案|(?:病人|患者|患儿)(?:ID|编号|号)|登记(?:编)?号|"
        r"检查(?:编)?号|检查单号|影像(?:编)?号|放射(?:编)?号|超声(?:编)?号|心电(?:图)?(?:编)?号|内镜(?:编)?号|胃镜(?:编)?号|[CM][TR](?:编)?号|X线(?:编)?号|片号|"
        r"就诊(?:卡)?(?:编)?号|就诊卡|诊疗卡(?:编)?号?|急诊(?:编)?号|申请单?(?:编)?号|流水号|报告(?:编)?号|ZYH|MZH|BAH|"
        r"MRN|M\.R\.N\.|[Mm]ed(?:ical)? [Rr]ec(?:ord)?(?: [Nn]o\.?| [Nn]umber| #)?|MEDICAL RECORD(?: NO\.?| NUMBER)?|[Hh]osp(?:ital)?\.? (?:[Nn]o\.?|[Nn]umber|#|ID)|"
        r"[Cc]hart(?: [Nn]o\.?| [Nn]umber| #)|(?:[Pp]atient|[Pp]t)\.? (?:ID|[Nn]o\.?|[Nn]umber|#)|UHID|[Uu]nit (?:[Nn]o\.?|[Nn]umber)|\bID|"
        r"[Aa]ccession(?: [Nn]o\.?| [Nn]umber| #)?|ACCESSION|[Aa]cc\.? ?(?:#|[Nn]o\.?)|[Ee]xam (?:ID|[Nn]o\.?|#)|[Ss]tudy (?:ID|[Nn]o\.?)|"
        r"\b(?:US|CT|MR|MRI|XR) #|[Ee]ncounter(?: ID| #| [Nn]o\.?)?|[Vv]isit (?:ID|#|[Nn]o\.?)|CSN|\bFIN\b|\bHAR\b",
        _SINGLE,
    ),
    (
        Kind.PHONE,
        77,
        r"(?:联系|家庭|办公|固定|住宅|移动|来电|家属|值班|随访|咨询|预约|投诉)?(?:电话|手机|号码|座机)(?:号码?)?(?:显示)?|小灵通|短号|内线|"
        r"分机号?|传真|呼机|热线|拨打?|呼叫|[Tt]el(?:ephone)?\.?|TEL|[Pp]hone|PHONE|[Mm]obile|[Cc]ell(?:phone)?|[Ff]ax|FAX|[Ee]xt(?:ension)?\.?|\bph\.?|"
        r"[Pp]ager|PAGER|[Bb]leep|[Bb]eeper",
        r"\+?\(?\d(?:[ \-‐-―()·.]{0,2}\d){2,15}",
    ),
    (
        Kind.PHONE,
        70,
        r"转(?=\d{3,5}(?!\d|次|圈))|传呼|(?:通知|致电|电告|打|呼|联系|回电|转接)[一-龥]{0,8}|[Pp]aged? (?:at |on )?",
        r"\d{3,4}[ -]?\d{0,8}(?![\d岁年月日号床次分秒小时天周片支瓶袋mMgGuU%.:/])",
    ),
    (
        Kind.PLATE,
        76,
        r"车牌(?:号码?)?|号牌|[Pp]late(?: (?:[Nn]o\.?|[Nn]umber|#))?(?: on [a-z ]{1,20})?|[Rr]egistration plate",
        r"(?=[A-Z\d -]{0,10}\d)[A-Z\d]{2,4}[ -]?[A-Z\d]{2,5}",
    ),
)

_COMPILED = tuple(
    (kind, weight, re.compile(rf"(?<![A-Za-z])(?:{labels}){_WORD_ENDS}{_SEP}({value})"))
    for kind, weight, labels, value in _ROWS
)

_WARD = (
    r"(?:(?:心血管|心胸|神经|泌尿|消化|呼吸|血液|内分泌|肿瘤|新生儿|重症|康复|肝胆|胃肠|心身|风湿|感染|急诊|综合|妇产|创伤|脊柱|关节|"
    r"[心胸骨神普肾妇产儿急眼内外])?[内外]?[一二三四五六七八九十]?(?:科|病?区|抢救室?|留观室?|病房|监护室|内|外)?[A-Z\d]{0,2}(?:病?区|楼|层)?[ ]?)"
)
_BED = re.compile(
    rf"{_WARD}?(?:[A-Z]{{2,5}}[ -]?)?[+加]?\d{{1,3}}[A-Z]?(?:号?床(?![旁边])位?|号机位|机位)"
    r"|(?:(?<=床号)|(?<=床位))[: ]{0,2}(?:[A-Z]区)?[A-Z]?\+?\d{1,3}(?!\d)床?"
    r"|\b(?:[Bb]ed|BED)(?: no\.?| #|#)?[ :]{0,2}\d{1,3}[A-Z]?(?:-[A-Z\d]{1,3})?\b"
    r"|\b(?:\d{1,2} (?:West|East|North|South) )?(?:[Rr]m|[Rr]oom|RM|ROOM)\.?[ :#]{0,2}\d{1,4}(?:-?[A-Z])?\b"
)


def labelled_in(text: str) -> Iterator[Span]:
    """Every labelled number of a view's text."""
    for kind, weight, pattern in _COMPILED:
        for match in pattern.finditer(text):
            yield Span(*match.span(1), kind, weight)
    for match in _BED.finditer(text):
        start = match.start()
        while text[start] in ": ":
            start += 1
        yield Span(start, match.end(), Kind.BED, 65)
