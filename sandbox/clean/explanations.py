"""What a report says to people, in English and Chinese: reasons, what to do next, kinds, actions.

The English sentence of a reason is the one in `sandbox.deid.reasons`. Nothing here holds anything
of a file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from sandbox.deid.reasons import REASONS


class Words(NamedTuple):
    """The same words in both languages."""

    en: str
    zh: str


class Explanation(NamedTuple):
    """Why a file was not cleaned, and what its owner can do about it."""

    why: Words
    then: Words


_LOOK: Final = Words(
    "Have a person look at it; don't hand it on before.", "请人工查看；此前不要交出。"
)
_AGAIN: Final = Words(
    "Get it again from where it came, and compare the sizes.", "请从来源重新获取并核对大小。"
)
_EXPORT: Final = Words(
    "Export it anew as standard DICOM from the system that wrote it.",
    "请在原系统中重新导出为标准 DICOM。",
)
_SECURITY: Final = Words(
    "Don't open it; show it to your security people.", "请勿打开，交由安全人员检查。"
)
_SPLIT: Final = Words("Split it into smaller files.", "请拆分为较小的文件。")
_REPORT: Final = Words(
    "Run it once more; if it stays, set the file apart and report the code.",
    "请再运行一次；若仍如此，请单独存放并报告该代码。",
)
_OTHER: Final = Words(
    "Leave it out, or use a tool made for this kind.", "请不要纳入，或使用适合此类文件的工具。"
)

_ZH: Final = {
    "content-unchecked": ("含有文档、声音或暂不能检查的对象。", _LOOK),
    "pixels-unchecked": ("像素中可能显示患者信息，暂不能检查。", _LOOK),
    "residue-found": ("清洗后仍有疑似标识符。", _LOOK),
    "bad-deflate": ("压缩部分无法解压。", _AGAIN),
    "bad-element": ("含有形式不明的数据元素。", _EXPORT),
    "bad-encoding": (
        "文字编码不能识别。",
        Words("Save it as UTF-8 and run it again.", "请另存为 UTF-8 后重试。"),
    ),
    "bad-length": ("内部长度前后矛盾。", _EXPORT),
    "deflate-bomb": ("解压后超过上限。", _SECURITY),
    "empty-file": ("文件为空。", _AGAIN),
    "engine-crashed": ("清洗程序两次在该文件上崩溃，未保留任何内容。", _REPORT),
    "engine-failed": ("清洗程序在该文件上出错，未保留任何内容。", _REPORT),
    "executable": ("是可执行程序。", _SECURITY),
    "kind-unsupported": ("该规则不清洗此类文件。", _OTHER),
    "not-dicom": ("名称像 DICOM，内容不是。", _AGAIN),
    "preamble-archive": ("前导区藏有压缩包或文档。", _SECURITY),
    "preamble-executable": ("前导区藏有程序。", _SECURITY),
    "source-changed": (
        "读取时文件正被写入。",
        Words("Wait until it is complete and run it again.", "请待写入完成后重试。"),
    ),
    "syntax-unsupported": ("传输语法不能识别。", _EXPORT),
    "too-deep": ("序列嵌套超过上限。", _EXPORT),
    "too-large": ("超过大小上限。", _SPLIT),
    "too-many-elements": ("数据元素数量超过上限。", _EXPORT),
    "truncated": ("文件不完整。", _AGAIN),
    "unreadable": (
        "无法读取。",
        Words("Give yourself the right to read it and run it again.", "请取得读取权限后重试。"),
    ),
    "unsafe-name": (
        "名称指向文件夹之外，或是链接。",
        Words(
            "Put the file itself, under a plain name, into SRC.", "请将文件本身以普通名称放入 SRC。"
        ),
    ),
}

EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        code: Explanation(Words(REASONS[code], sentence), then)
        for code, (sentence, then) in _ZH.items()
    }
)
"""Every reason with which a file of a folder is held or quarantined."""

STATES: Mapping[str, Words] = MappingProxyType(
    {
        "cleaned": Words("cleaned", "已清洗"),
        "held": Words("held", "暂扣"),
        "quarantined": Words("quarantined", "已隔离"),
    }
)

KINDS: Mapping[str, Words] = MappingProxyType(
    {
        "dicom": Words("DICOM", "DICOM"),
        "text": Words("text", "文本"),
        "table": Words("table", "表格"),
        "image": Words("image", "图片"),
        "unknown": Words("unknown", "未知"),
    }
)

ACTIONS: Mapping[str, Words] = MappingProxyType(
    {
        "X": Words("removed", "删除"),
        "Z": Words("emptied", "置空"),
        "D": Words("replaced by a dummy", "替换为占位值"),
        "U": Words("UID replaced", "替换 UID"),
        "C": Words("date moved", "日期平移"),
        "S": Words("emptied: an identifier was found in it", "发现标识符后置空"),
        "replace": Words("replaced in the text", "文本中替换"),
    }
)
"""What the letters of `actions` mean."""

REMOVED: Mapping[str, Words] = MappingProxyType(
    {
        "ACCESSION": Words("accession numbers", "检查号"),
        "ACCOUNT": Words("accounts", "账号"),
        "ADDRESS": Words("addresses", "地址"),
        "AGE": Words("ages", "年龄"),
        "AGE_OVER_89": Words("ages of 90 and more", "90 岁及以上年龄"),
        "BANK_CARD": Words("bank cards", "银行卡号"),
        "BED": Words("bed numbers", "床号"),
        "DATE": Words("dates", "日期"),
        "DEVICE_SERIAL": Words("device numbers", "设备编号"),
        "EMAIL": Words("e-mail addresses", "电子邮箱"),
        "HOSPITAL": Words("hospitals", "医院名称"),
        "ID_NUMBER": Words("identity numbers", "身份证件号码"),
        "INSTITUTION": Words("institutions", "机构名称"),
        "INSURANCE": Words("insurance numbers", "医保号"),
        "MRN": Words("record numbers", "病历号"),
        "NAME": Words("names", "姓名"),
        "OCCUPATION_EMPLOYER": Words("occupations and employers", "职业与单位"),
        "ORG": Words("organisations", "组织名称"),
        "OTHER": Words("other values that may identify", "其他可识别信息"),
        "OTHER_ID": Words("other numbers", "其他编号"),
        "OVERLAY": Words("overlays", "叠加层"),
        "PASSPORT": Words("passports and permits", "护照与通行证"),
        "PHONE": Words("telephone numbers", "电话号码"),
        "PLATE": Words("number plates", "车牌号"),
        "PREAMBLE": Words("preambles", "前导区内容"),
        "PRIVATE": Words("private elements", "私有元素"),
        "RESIDUE": Words("values in which an identifier was found", "残留标识符"),
        "TIME": Words("times of day", "时刻"),
        "TRAILING": Words("trailing bytes", "尾部多余字节"),
        "UID": Words("UIDs", "UID"),
        "UNKNOWN": Words("unknown elements", "未知元素"),
        "URL": Words("web and network addresses", "网址与网络地址"),
        "WECHAT": Words("WeChat and QQ accounts", "微信与 QQ 号"),
    }
)
"""Kinds of what is taken out."""


def words_of(table: Mapping[str, Words], code: str) -> Words:
    """What a table says for a code; the code itself where it says nothing."""
    return table.get(code) or Words(code, code)
