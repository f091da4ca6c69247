"""Names in Chinese, in Latin letters and in the register's spellings; words that only look like them."""

import pytest

from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text import clean_text, find_spans

NOBODY = Register()
PSEUDONYMS = Pseudonyms(bytes(range(32)))


def names(text, register=NOBODY):
    return [text[a:b] for a, b, kind in find_spans(text, register) if kind == "NAME"]


CHINESE = [
    # labels and roles
    ("姓名：孟庆岚　性别：女", ["孟庆岚"]),
    ("姓　名：赵启明", ["赵启明"]),
    ("姓名 田甜 女 29岁", ["田甜"]),
    ("姓名：马\n力  性别：男", ["马\n力"]),
    ("报告：宋 佳 音   审核：郑海峰副主任医师", ["宋 佳 音", "郑海峰"]),
    ("病理医师：曹静怡、温立新", ["曹静怡", "温立新"]),
    ("值班：单医生／解文韬", ["单医生", "解文韬"]),
    ("联系人：钱多多　关系：母女", ["钱多多"]),
    ("由其子王浩陪同离院", ["王浩"]),
    ("患者配偶：田秀兰，电话不详", ["田秀兰"]),
    ("俺闺女思雨盯着我呢", ["思雨"]),
    ("伤者自称鲁冰花，女", ["鲁冰花"]),
    ("我叫梁家辉，最近头晕", ["梁家辉"]),
    ("执行云舒 核对楚玥", ["云舒", "楚玥"]),
    ("其母接听（于桂芳，次日再来）", ["于桂芳"]),
    # titles
    ("请血液科昝院长会诊", ["昝院长"]),
    ("昨日郭主任查房后指示", ["郭主任"]),
    ("欧阳先生您好", ["欧阳先生"]),
    ("欧阳修文主任指示", ["欧阳修文"]),
    ("挂颜副主任的号", ["颜副主任"]),
    # particulars, cells, forms of address
    ("诸葛守田，男，83岁，农民", ["诸葛守田"]),
    ("张某，男，45岁", ["张某"]),
    ("患者蒋某某来诊", ["蒋某某"]),
    ("病例：陶xx，48岁", ["陶xx"]),
    ("姓景的还是姓甄的？", ["景", "甄"]),
    ("今晨老张说昨晚睡得不好", ["老张"]),
    ("随访护士：小姜", ["小姜"]),
    ("高 兴\t男\t43岁", ["高 兴"]),
    # compound family names, names of other peoples
    ("患者拓跋宁，颈内导管", ["拓跋宁"]),
    ("患者：阿依古丽·买买提，女", ["阿依古丽·买买提"]),
    ("弟弟才让多杰暂拒手术", ["才让多杰"]),
    # later mentions
    ("患者岳天赐入院。天赐爱打牌。", ["岳天赐", "天赐"]),
    ("姓名：谷小雨。妈妈说雨雨睡得好。", ["谷小雨", "雨雨"]),
    ("主治医师：段立群。次日段立群查房。", ["段立群", "段立群"]),
    # traditional characters
    ("茲轉介冉啟芳女士", ["冉啟芳"]),
    ("麥志航醫生謹啟", ["麥志航"]),
]


@pytest.mark.parametrize(("text", "expected"), CHINESE)
def test_chinese_name_is_found(text, expected):
    assert names(text) == expected


LATIN = [
    ("Dr. Katarzyna Nowak saw her", ["Katarzyna Nowak"]),
    ("Mr. Parkinson's carbidopa was continued", ["Parkinson"]),
    ("Patient: Harold Parkinson   MRN: 4471902", ["Harold Parkinson"]),
    ("Name: SUMMERS, ELEANOR   61 y F", ["SUMMERS, ELEANOR"]),
    ("Doe, Peter (98890234), seen", ["Doe, Peter"]),
    ("Signed: J. Kowalczyk, MD", ["J. Kowalczyk"]),
    ("K. Delgado RN", ["K. Delgado"]),
    ("Typed: JB.", ["JB"]),
    ("Spoke with wife Marjorie, who agrees", ["Marjorie"]),
    ("her daughter Beatriz called", ["Beatriz"]),
    ("Yours sincerely,\nAlasdair Munro-Thwaite\n", ["Alasdair Munro-Thwaite"]),
    ("Jennifer Walsh is a 45-year-old woman", ["Jennifer Walsh"]),
    ("ABERNATHY^JUNIPER^L", ["ABERNATHY^JUNIPER^L"]),
    ("Pt: Zhang Weiming, M/55", ["Zhang Weiming"]),
    ("fellow Bao Yiran\nMapping system", ["Bao Yiran"]),
    ("WU XIAOQIN / 邬小琴，US", ["WU XIAOQIN", "邬小琴"]),
    ("PATlENT  NAME : Wilhelmina\nCastellane\nD.0.B.", ["Wilhelmina\nCastellane"]),
    (
        "Patient: Oona Fairweather. Fairweather returned; fair weather helps.",
        ["Oona Fairweather", "Fairweather"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), LATIN)
def test_latin_name_is_found(text, expected):
    assert names(text) == expected


NOBODYS = [
    "帕金森病、桥本甲状腺炎、川崎病后遗冠脉瘤、克罗恩病",
    "吉兰-巴雷综合征与重症肌无力鉴别",
    "情绪平稳，每天高兴一点，性格文静，程度较上年加重",
    "呈“白云”样片状分布，谷雨节气前后起病",
    "手术视野外软组织，无马力不足之诉，技术支援已到",
    "白云石、石膏类外敷，黄芪30g 柴胡6g 瞿麦10g 丁香3g",
    "患者平素体健，患者安静，患者否认外伤史",
    "医生：考虑急性阑尾炎。护士：已执行。家属：同意手术。",
    "请高年资医师评估，责任医生查看，随车医师，主管护师",
    "当时医生在场，同时护士记录，对方老师，急诊医生",
    "小时、小便、老年、小叶间隔、骨小梁、小于、老师",
    "左侧、高密度、金黄色葡萄球菌、万古霉素、华法林",
    "时间：上午。单位：mmol/L。方法：常规。项目：齐全。",
    "Parkinson disease, Crohn's disease, Hodgkin lymphoma, Graves disease",
    "Babinski negative. Romberg positive. Foley catheter. Swan-Ganz readings.",
    "Wolff-Parkinson-White, Brown-Sequard, Reed-Sternberg, Ann Arbor IIB",
    "Brown sputum. Bright red blood. Rose spots. White cells. Will follow.",
    "Patient Denies pain. Doctor Notified. Nurse At bedside.",
    "May repeat dose. March of symptoms. Normal Saline, Ringer's lactate.",
    "Metoprolol 25 mg, Lisinopril 10 mg, Atorvastatin 40 mg",
    "Father with MI at 60. Mother has Alzheimer disease.",
]


@pytest.mark.parametrize("text", NOBODYS)
def test_word_that_looks_like_a_name_stays(text):
    assert clean_text(text, PSEUDONYMS, NOBODY, None).text == text


REGISTER = Register(
    (
        RegisterRow("S01", "周慕云", "370102196303124510", "1CT1", "13853120417"),
        RegisterRow("S02", "高兴", None, "ZY0088412", "+44 20 7946 0321"),
        RegisterRow("S03", "Archibald van Doe", None, "77654033", "(617) 555-0142"),
        RegisterRow("S04", "冉启芳", None, None, None),
    )
)

SPELLINGS = [
    "周慕云", "周 慕 云", "周\n慕云", "周\u200b慕云", "周^慕云", "周　慕云",
    "Archibald van Doe", "VAN DOE, ARCHIBALD", "van Doe^Archibald", "archibald\nvan doe", "Ａｒｃｈｉｂａｌｄ　ｖａｎ　Ｄｏｅ", "Archi\u00adbald van Doe",
    "370102196303124510", "370102 19630312 4510", "３７０１０２１９６３０３１２４５１０", "370102-19630312-4510",
    "1CT1", "1ct1", "１ＣＴ１", "ZY-0088412", "zy 0088412",
    "13853120417", "138 5312 0417", "138-5312-0417", "+44 20 7946 0321", "+442079460321", "44 (20) 7946-0321", "617.555.0142", "77654033",
    "冉启芳", "冉啟芳",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_register_value_is_found_in_every_spelling(spelling):
    text = f"复查 {spelling} 完毕"

    cleaned = clean_text(text, PSEUDONYMS, REGISTER, None).text

    assert cleaned.startswith("复查 [")
    assert cleaned.endswith("] 完毕")


@pytest.mark.parametrize(
    "text",
    [
        "并不高兴谈及病情，高兴一点",
        "11CT12, 776540331 and X77654033Y are other numbers",
        "Doe alone, van and Archi are not looked for",
        "云集 慕名而来",
    ],
)
def test_what_only_holds_a_register_value_stays(text):
    rows = tuple(row for row in REGISTER.rows if row.id in {"S02", "S03"})

    assert "ZY0088412" not in clean_text(text, PSEUDONYMS, Register(rows[:1]), None).text
    assert clean_text(text, PSEUDONYMS, Register(rows[:1]), None).text == text


def test_register_name_that_is_a_word_goes_only_where_it_is_a_name():
    text = "患者高兴，今日自诉情绪尚可，但并不高兴谈及病情。"

    cleaned = clean_text(text, PSEUDONYMS, REGISTER, "S02").text

    assert "并不高兴谈及病情" in cleaned
    assert not cleaned.startswith("患者高兴")


def test_every_spelling_of_a_register_name_gets_one_surrogate():
    text = "Archibald van Doe; DOE^ARCHIBALD^van; Ａｒｃｈｉｂａｌｄ van Doe."

    tags = clean_text(text, PSEUDONYMS, REGISTER, None).text.split("; ")

    assert len({tag.strip(" .") for tag in tags}) == 1


def test_names_of_all_subjects_are_looked_for():
    cleaned = clean_text("与周慕云同住，冉启芳来访", PSEUDONYMS, REGISTER, "S03").text

    assert "周慕云" not in cleaned
    assert "冉启芳" not in cleaned
