"""A summary as one HTML page: no script, nothing fetched, Chinese beside English."""

from collections.abc import Iterator, Sequence
from html import escape

from crypto.verifier import VERDICTS, Answer
from sandbox.provenance.drawing import svg
from sandbox.provenance.summary import Person, Summary, Texts, few
from sandbox.provenance.timeline import timeline

_STYLE = """
body{font:14px/1.55 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#222;
margin:2em auto;max-width:1000px;padding:0 1em}h1{font-size:1.5em}
h2{font-size:1.15em;margin-top:1.8em;border-bottom:1px solid #cdd5dc}
table{border-collapse:collapse;width:100%;font-size:12px}
th,td{text-align:left;vertical-align:top;padding:.3em .5em;border-bottom:1px solid #e3e8ec;
overflow-wrap:anywhere}th{background:#f3f6f8}code{font:11px ui-monospace,monospace}
.q{margin:1em 0;padding:.6em .9em;border-left:4px solid #9aa5ae;background:#f8fafb}
.q.not-recorded,.q.cannot-tell{border-color:#c9a227}.q b{display:inline-block}
.v{float:right;font-weight:600}.en{color:#4a5864}small{color:#5d6a75}svg{max-width:100%;height:auto}
@media print{.q{break-inside:avoid}}
""".strip()
NOTES: Sequence[Texts] = (
    (
        (
            "本摘要由导出方写出，其摘要值记录在导出条目中。证明在于日志本身："
            "请用独立验证程序和您自己持有的公钥核验本证据包，并用 --questions 重新回答以下问题。"
        ),
        (
            "This summary is the exporter's word; its digest stands in the entry of the export. "
            "The proof is the log itself: verify this pack with the stand-alone verifier and a key "
            "of your own, and have it answer these questions anew by --questions."
        ),
    ),
    (
        "人员均以本账本的假名出现；未被关闭的租约按整项全部看过计。",
        "People bear their pseudonyms of this ledger; a lease nobody closed counts as all seen.",
    ),
)
COLUMNS: Sequence[Texts] = (
    ("人员", "who"),
    ("角色与机构", "role, organisation"),
    ("内容", "what"),
    ("次数", "times"),
    ("时间", "when"),
    ("目的", "purpose"),
    ("规则", "rule"),
    ("条目", "entries"),
)


def page(summary: Summary) -> bytes:
    """The page; the same summary gives the same bytes."""
    (zh, en), name = summary.about
    title = f"存证摘要 Evidence summary: {zh} {en} {name}"
    lines = [
        "<!doctype html>",
        '<html lang="zh"><head><meta charset="utf-8">',
        (
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">"
        ),
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(a)}<br><span class=en>{escape(b)}</span></p>" for a, b in NOTES),
        _table((), [(f"{a} {b}", value) for (a, b), value in summary.head]),
        _heading("时间轴", "Timeline"),
        svg(timeline(summary.lanes)),
        _heading("问题与答案", "Questions and answers"),
        *(_question(number, one) for number, one in enumerate(summary.answers, 1)),
        _heading("谁看过", "Who saw it"),
        _table(COLUMNS, summary.looks),
        _heading("谁做过什么", "Who acted"),
        _table(PEOPLE, [person_row(one) for one in summary.people]),
        _heading("离开了什么", "What left"),
        _table(RELEASES, list(release_rows(summary))),
        "</body></html>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


PEOPLE: Sequence[Texts] = (
    ("人员", "who"),
    ("角色", "roles"),
    ("机构", "organisation"),
    ("完成的操作", "acts done"),
    ("被拒绝", "refused"),
    ("起止", "first, last"),
)
RELEASES: Sequence[Texts] = (
    ("放行", "release"),
    ("接收方", "recipient"),
    ("申请人", "requester"),
    ("投票人", "voters"),
    ("包摘要值", "package"),
    ("条目", "entries"),
)


def person_row(person: Person) -> Sequence[str]:
    """One line of who acted."""
    done = ", ".join(f"{name} {count}" for name, count in sorted(person.done.items()))
    return (
        person.pseudonym,
        ", ".join(sorted(person.roles)) or "-",
        ", ".join(sorted(person.organisations)),
        done or "-",
        str(person.refused),
        f"{person.first[:19]}Z – {person.last[:19]}Z",
    )


def release_rows(summary: Summary) -> Iterator[Sequence[str]]:
    """One line for each release."""
    for row in summary.releases:
        voters = "; ".join(f"{v['voter']} ({', '.join(v['roles'])})" for v in row["votes"])
        votes = [vote["index"] for vote in row["votes"]]
        entries = few([row["requested"], *votes, row["sealed"], *row["downloads"]])
        yield (row["release"], row["recipient"], row["requester"], voters, row["package"], entries)


def _question(number: int, answer: Answer) -> str:
    en, zh = VERDICTS[answer.verdict]
    checks = "".join(
        f"<br>· {escape(check[1])} <span class=en>{escape(check[0])}</span>"
        for check in answer.checks
    )
    entries = f"<br><small>条目 entries: {few(answer.entries)}</small>" if answer.entries else ""
    return (
        f'<div class="q {answer.verdict}"><span class=v>{zh} {en}</span>'
        f"<b>{number}. {escape(answer.question[1])}</b> "
        f"<span class=en>{escape(answer.question[0])}</span>"
        f"<br>{escape(answer.said[1])}<br><span class=en>{escape(answer.said[0])}</span>"
        f"<small>{checks}</small>{entries}</div>"
    )


def _heading(zh: str, en: str) -> str:
    return f"<h2>{zh} {en}</h2>"


def _table(columns: Sequence[Texts], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{zh}<br>{en}</th>" for zh, en in columns)
    lines = [f"<tr>{head}</tr>"] if columns else []
    lines += [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    ]
    if not rows:
        lines.append(f"<tr><td colspan={max(1, len(columns))}>无 none</td></tr>")
    return "<table>" + "\n".join(lines) + "</table>"
