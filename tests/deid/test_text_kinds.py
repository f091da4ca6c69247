"""Each kind of identifier: where it is found, and the look-alikes that stay.

R26: every one of the 18 kinds of 45 CFR 164.514(b)(2)(i) has a line here.
"""

import pytest

from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text import clean_text, find_spans

NOBODY = Register()


def found(text):
    return {(text[start:end], kind) for start, end, kind in find_spans(text, NOBODY)}


SAFE_HARBOR = [
    ("A names", "Patient: Marisol Quintero, seen today", "Marisol Quintero", "NAME"),
    ("A names", "患者葛秀兰，女，68岁", "葛秀兰", "NAME"),
    ("B places", "家住成都市武侯区芳草街26号3栋2单元", "成都市武侯区芳草街26号3栋2单元", "ADDRESS"),
    ("B places", "moved from Springfield, IL 62704", "Springfield, IL 62704", "ADDRESS"),
    ("C dates", "于2023年11月4日入院", "2023年11月4日", "DATE"),
    ("C ages over 89", "年龄：93岁", "93岁", "AGE_OVER_89"),
    ("D telephones", "电话：028-85551234", "028-85551234", "PHONE"),
    ("E fax", "Fax: (617) 555-0188", "(617) 555-0188", "PHONE"),
    ("F e-mail", "write to r.quill@mailbox.example please", "r.quill@mailbox.example", "EMAIL"),
    ("G social security", "SSN: 219-09-9998", "219-09-9998", "ID_NUMBER"),
    ("G identity number", "身份证11010519491231002X", "11010519491231002X", "ID_NUMBER"),
    ("H record numbers", "住院号：0098123", "0098123", "MRN"),
    ("I health plan", "医保卡号：3701A0087456213", "3701A0087456213", "INSURANCE"),
    ("J accounts", "account number 88210034", "88210034", "ACCOUNT"),
    ("J bank cards", "退费至 6222021602001234568", "6222021602001234568", "BANK_CARD"),
    ("K certificates", "license no. D4471902", "D4471902", "OTHER_ID"),
    ("L vehicles", "肇事车牌川A·12F45", "川A·12F45", "PLATE"),
    ("M devices", "设备序列号：SN20198877A", "SN20198877A", "DEVICE_SERIAL"),
    (
        "N web addresses",
        "see https://portal.example/u/77 for it",
        "https://portal.example/u/77",
        "URL",
    ),
    ("O network addresses", "from 203.0.113.45 at night", "203.0.113.45", "URL"),
    ("P biometric ids", "指纹编号：FP-20991", "FP-20991", "OTHER_ID"),
    (
        "Q photographs",
        "face photo https://img.example/p/9.jpg",
        "https://img.example/p/9.jpg",
        "URL",
    ),
    ("R any other number", "筛选号：CN017-0032", "CN017-0032", "OTHER_ID"),
]


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("category", "text", "value", "kind"), SAFE_HARBOR)
def test_safe_harbor_category_is_found_whole(category, text, value, kind):
    assert category[0] in "ABCDEFGHIJKLMNOPQR"
    assert (value, kind) in found(text)


@pytest.mark.requirement("R26")
def test_all_18_categories_have_a_line():
    assert {category[0] for category, *_ in SAFE_HARBOR} == set("ABCDEFGHIJKLMNOPQR")


FOUND = [
    ("手机１３８　１２３４　５６７８", "１３８　１２３４　５６７８", "PHONE"),
    ("电话 1 3 8 1 2 3 4 5 6 7 8", "1 3 8 1 2 3 4 5 6 7 8", "PHONE"),
    ("tel +86 138-1234-5678", "+86 138-1234-5678", "PHONE"),
    ("座机（0532）8577-3906", "（0532）8577-3906", "PHONE"),
    ("0538-8265514转2016", "0538-8265514转2016", "PHONE"),
    ("分机 402", "402", "PHONE"),
    ("传呼7788", "7788", "PHONE"),
    ("通知导管室8517", "8517", "PHONE"),
    ("一三八零零一三八零零零", "一三八零零一三八零零零", "PHONE"),
    (
        "reach me at two oh two, five five five, oh one six three",
        "two oh two, five five five, oh one six three",
        "PHONE",
    ),
    ("ph +91 98 5550 1178", "+91 98 5550 1178", "PHONE"),
    ("mobile 07700 900418", "07700 900418", "PHONE"),
    ("555-0119 x22", "555-0119 x22", "PHONE"),
    ("pager 4471", "4471", "PHONE"),
    ("身份证 110105 19491231 002X", "110105 19491231 002X", "ID_NUMBER"),
    ("1101051949123100 2x", "1101051949123100 2x", "ID_NUMBER"),
    ("370102650418271", "370102650418271", "ID_NUMBER"),
    ("NHS number 943 476 5919", "943 476 5919", "OTHER_ID"),
    ("card 4539 1488 0343 6467", "4539 1488 0343 6467", "BANK_CARD"),
    ("IBAN GB29 NWBK 6016 1331 9268 19", "GB29 NWBK 6016 1331 9268 19", "BANK_CARD"),
    ("检查号:CT0317-2296", "CT0317-2296", "MRN"),
    ("ＭＲＮ：４４７１９０２", "４４７１９０２", "MRN"),
    ("Accession: CTA-6620187", "CTA-6620187", "MRN"),
    ("病理号 S24-08831", "S24-08831", "OTHER_ID"),
    ("血袋码 W0042 24 118830", "W0042 24 118830", "OTHER_ID"),
    ("Insurance ID: WXK4458129", "WXK4458129", "INSURANCE"),
    ("Medicare 4RK8-WD2-QH57", "4RK8-WD2-QH57", "INSURANCE"),
    ("护照号码 G12345678", "G12345678", "PASSPORT"),
    ("军官证号政字第0318862号", "政字第0318862号", "PASSPORT"),
    ("港澳居民來往內地通行證H0672281904", "H0672281904", "PASSPORT"),
    ("微信号zly19900203", "zly19900203", "WECHAT"),
    ("QQ 418820935", "418820935", "WECHAT"),
    ("支付宝 guyu0420", "guyu0420", "ACCOUNT"),
    ("镜号：GIF-HQ290 2913577", "GIF-HQ290 2913577", "DEVICE_SERIAL"),
    ("serial RVN620431S", "RVN620431S", "DEVICE_SERIAL"),
    ("plate on police sheet 7KXR 204", "7KXR 204", "PLATE"),
    ("胸外科 17床", "胸外科 17床", "BED"),
    ("bed 9", "bed 9", "BED"),
    ("床位：B区07床", "B区07床", "BED"),
    ("链接 meet.hospital.cn/hz0912", "meet.hospital.cn/hz0912", "URL"),
    ("101岁女性", "101岁", "AGE_OVER_89"),
    ("床头牌年龄九十三岁", "九十三岁", "AGE_OVER_89"),
    ("he turned ninety-two", "ninety-two", "AGE_OVER_89"),
    ("a 93-year-old woman", "93-year-old", "AGE_OVER_89"),
    ("91M with dyspnoea", "91", "AGE_OVER_89"),
    ("转自宜昌市夷陵区樟村坪镇卫生院", "宜昌市夷陵区樟村坪镇卫生院", "HOSPITAL"),
    ("Referred from Bayview General Hospital today", "Bayview General Hospital", "HOSPITAL"),
    ("供职于东风汽车有限公司", "东风汽车有限公司", "OCCUPATION_EMPLOYER"),
    (
        "Works as lighthouse keeper at Skerryvarn",
        "lighthouse keeper at Skerryvarn",
        "OCCUPATION_EMPLOYER",
    ),
    ("邮编277519", "277519", "ADDRESS"),
    ("14 Larkspur Lane, Guildford GU2 7XH", "14 Larkspur Lane, Guildford GU2 7XH", "ADDRESS"),
    ("P.O. Box 104", "P.O. Box 104", "ADDRESS"),
]


@pytest.mark.parametrize(("text", "value", "kind"), FOUND)
def test_identifier_is_found_whole(text, value, kind):
    assert (value, kind) in found(text)


STAYS = [
    # numbers of medicine
    "血压130/80mmHg，呼吸10-12次/分，心率60-80次/分",
    "大小约8mm×6mm，4.5×3×1.8cm，b=800，ADC 0.98×10^-3",
    "PEEP 10cmH2O，FiO2 0.5，P/F 178，去甲肾上腺素0.12ug/kg/min",
    "CA19-9 0-37 U/ml，CD4/CD8 1.4-2.0，WBC 3.5-9.5×10⁹/L",
    "Lung-RADS 4A, Gleason 4+5=9, pT1c pN0(sn), Nottingham 3+2+1",
    "carbidopa/levodopa 25/100, adalimumab 160/80/40 mg, HbA1c 7.9",
    "LOINC 2339-0, CPT 99291, version 2.4.1, module 12/24",
    "1:10000肾上腺素，试剂规格100T/盒，定标2000点",
    "哌柏西利125mg d1-21 q28d，AC-T方案8周期，50.4Gy/28f",
    "EGFR 21外显子L858R突变，BRCA1 c.5266dupC (p.Gln1756fs)",
    "QTc 462ms，0x80004005，T1WI低，C5/6椎间盘，L4/L5",
    # wrong check digits, wrong form, no label
    "编码370102196708124528不对",
    "number 4539 1488 0343 6468 fails",
    "000-12-3456 and 666-12-3456 are no SSN",
    "999.1.2.3 is no address",
    "京东商城A座",
    # ages and times
    "87岁时曾患脑梗死", "89岁", "a 65-year-old man", "SpO2 95%", "95 mmHg", "98.6 F", "CrCl 92 ml/min",
    "术后第3天", "每周一三五透析", "08:00-17:00", "3岁2月", "孕39+1周", "病程20余年",
    # places and people who are nobody
    "我院收入住院，转贵院继续康复，当地医院就诊",
    "病区走廊，右肺中叶区，心前区疼痛，消化道出血，右心室增大",
    "申请科室：神经内科，肿瘤二科",
    "患者在社区卫生服务中心取药",
    "职业：会计", "从事野外作业史20年",
    "床旁心电图，卧床3年，床上活动",
    "Emergency Department, Outpatient Clinic, General Surgery",
    "fracture of the left sixth rib, segment VII, zone 2",
]  # fmt: skip


@pytest.mark.parametrize("text", STAYS)
def test_look_alike_stays_verbatim(text):
    result = clean_text(text, Pseudonyms(bytes(32)), NOBODY, None)

    assert (result.text, dict(result.removed)) == (text, {})


def test_address_without_a_unit_stays():
    assert found("患者自诉上路时心慌，走到一半停下") == set()


def test_hl7_fields_are_known_by_their_place():
    text = (
        "MSH|^~\\&|HIS|QPQZX|PACS|RAD|20240702093015||ADT^A01|MSG00731|P|2.4\n"
        "PID|1||8830172^^^HIS||ABERNATHY^JUNIPER^L||19650418|M|||9 SALTMARSH CT^^DOVERPORT||3025550147|||||ACCT-77\n"
        "PV1|1|I|NSW2^11^03||||0417^郁松年\nOBX|1|NM|2345-7^GLUCOSE||142|mg/dL|70-99|H\n"
    )

    kinds = dict(found(text))

    assert kinds["8830172"] == "MRN"
    assert kinds["ABERNATHY^JUNIPER^L"] == "NAME"
    assert kinds["NSW2^11^03"] == "BED"
    assert kinds["郁松年"] == "NAME"
    assert kinds["ACCT-77"] == "ACCOUNT"
    assert not any("GLUCOSE" in value or "142" in value for value in kinds)
