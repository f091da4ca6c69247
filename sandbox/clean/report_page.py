"""Draws the report of a run over a folder as one HTML page, for an officer to read and to file.

- It stands alone: no script, nothing loaded from anywhere, and a policy in it that forbids both.
- Every name is escaped, and set apart so that it can't turn the writing around; characters that
  don't print are shown by their numbers.
- Rows are drawn one by one, so that ten thousand files need no more memory than one.

It names the inputs as they are called: it belongs where they are, not with the outputs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from policies.dicom import EDITION
from sandbox.clean.batch import Line, Tally
from sandbox.clean.explanations import (
    ACTIONS,
    EXPLANATIONS,
    KINDS,
    REMOVED,
    STATES,
    Words,
    words_of,
)
from sandbox.deid.recipe import ENGINE_VERSION

_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#1b1f24;
margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d5dae0}
th{background:#f2f4f7}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
code,bdi{font-family:ui-monospace,"Noto Sans Mono CJK SC",monospace;font-size:.87em;
overflow-wrap:anywhere}
.zh{color:#56606b}.cleaned{color:#0b6b3a}.held{color:#8a5a00}.quarantined{color:#a1171c}
.totals{display:flex;gap:1rem;flex-wrap:wrap}
.totals div{border:1px solid #d5dae0;border-radius:.4rem;padding:.6rem 1rem;min-width:8rem}
.totals b{display:block;font-size:1.7rem}
.notice{border-left:.3rem solid #8a5a00;padding:.3rem .8rem;background:#fff8e8}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Facts:
    """What a page says of the run itself.

    Attributes:
        recipe: name of the recipe.
        recipe_digest: `sha256:<hex>` of its rules and the engine's version.
        version: of the program.
        key: `given` or `ephemeral`.
        key_mark: stands for the key, and doesn't give it away; empty for an ephemeral one.
        known: subjects in the register.
        begun_at: when the run began.
        seconds: how long it took.
        kept: inputs that an earlier run had done.
        rehearsal: whether nothing was written.
    """

    recipe: str
    recipe_digest: str
    version: str
    key: str
    key_mark: str
    known: int
    begun_at: datetime
    seconds: float
    kept: int = 0
    rehearsal: bool = False


def head(facts: Facts, tally: Tally) -> Iterator[str]:
    """Everything above the list of files."""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<title>De-identification report 去标识报告</title>\n"
        f"<style>{_STYLE}</style></head><body>\n"
        f"<h1>De-identification report {_zh('去标识报告')}</h1>\n"
    )
    if facts.rehearsal:
        yield _notice(Words("A rehearsal: nothing was written.", "试运行：未写出任何文件。"))
    if facts.key == "ephemeral":
        yield _notice(
            Words(
                "The key was made for this run and is gone: another run gives other pseudonyms.",
                "密钥仅用于本次运行，现已销毁：再次运行得到的假名将不同。",
            )
        )
    yield from _totals(tally)
    yield from _reasons(tally)
    yield from _counts(Words("Identifiers taken out", "已去除的标识符"), REMOVED, tally.removed)
    yield from _counts(Words("What was done", "执行的操作"), ACTIONS, tally.actions)
    yield from _run(facts)
    yield (
        f"<h2>{_both(Words('Files', '文件清单'))}</h2>\n<table><tr>"
        + "".join(
            f"<th>{_both(Words(en, zh))}</th>"
            for en, zh in (
                ("Source", "来源"),
                ("Kind", "类型"),
                ("State", "状态"),
                ("Actions", "操作"),
                ("Output", "输出"),
            )
        )
        + "</tr>\n"
    )


def row(line: Line) -> str:
    """One file of the list."""
    state = line.state.value
    said = _both(words_of(STATES, state))
    if line.reason is not None:
        said += f"<br><code>{escape(line.reason)}</code>"
    done = " ".join(f"{escape(letter)}&nbsp;{count}" for letter, count in line.actions.items())
    output = f"<code>{escape(line.output)}</code>" if line.output else ""
    return (
        f"<tr><td><bdi>{escape(shown(line.source))}</bdi></td>"
        f"<td>{escape(words_of(KINDS, line.kind.value).en)}</td>"
        f'<td class="{state}">{said}</td><td>{done}</td><td>{output}</td></tr>\n'
    )


TAIL = "</table>\n</body></html>\n"


def shown(name: str) -> str:
    """A name with everything in it that doesn't print, or turns writing around, as a number."""
    return "".join(
        c if c.isprintable() else f"\\x{ord(c) - 0xDC00:02x}" if _is_byte(c) else f"\\u{ord(c):04x}"
        for c in name
    )


def _is_byte(character: str) -> bool:
    """Whether it stands for a byte that is no UTF-8."""
    return 0xDC80 <= ord(character) <= 0xDCFF  # noqa: PLR2004 - Python's surrogate escapes


def _totals(tally: Tally) -> Iterator[str]:
    counts = {
        "cleaned": tally.cleaned,
        "held": sum(n for (state, _), n in tally.ends.items() if state == "held"),
        "quarantined": sum(n for (state, _), n in tally.ends.items() if state == "quarantined"),
    }
    yield '<div class="totals">'
    yield f"<div><b>{tally.total}</b>{_both(Words('files', '文件总数'))}</div>"
    for state, count in counts.items():
        yield f'<div class="{state}"><b>{count}</b>{_both(STATES[state])}</div>'
    yield "</div>\n"


def _reasons(tally: Tally) -> Iterator[str]:
    found = sorted(((r, s, n) for (s, r), n in tally.ends.items() if r is not None), key=str)
    if not found:
        return
    yield f"<h2>{_both(Words('Not cleaned, by reason', '未清洗原因'))}</h2>\n<table><tr>"
    yield f'<th class="n">{_both(Words("Files", "文件数"))}</th>'
    yield f"<th>{_both(Words('Reason', '原因'))}</th>"
    yield f"<th>{_both(Words('Next', '下一步'))}</th></tr>\n"
    for reason, state, count in found:
        why, then = EXPLANATIONS[reason]
        yield (
            f'<tr><td class="n">{count}</td><td><span class="{state}">'
            f"{_both(STATES[state])}</span> <code>{reason}</code><br>{_both(why)}</td>"
            f"<td>{_both(then)}</td></tr>\n"
        )
    yield "</table>\n"


def _counts(title: Words, table: Mapping[str, Words], counts: Mapping[str, int]) -> Iterator[str]:
    if not counts:
        return
    yield f"<h2>{_both(title)}</h2>\n<table>"
    for code, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        said = _both(words_of(table, code))
        yield f'<tr><td class="n">{count}</td><td>{said} <code>{escape(code)}</code></td></tr>\n'
    yield "</table>\n"


def _run(facts: Facts) -> Iterator[str]:
    mark = f" <code>{facts.key_mark}</code>" if facts.key_mark else ""
    given = Words("given", "由用户提供") if facts.key == "given" else Words("ephemeral", "一次性")
    rows = (
        (Words("Begun", "开始时间"), escape(f"{facts.begun_at:%Y-%m-%d %H:%M:%S %Z}")),
        (Words("Seconds", "用时（秒）"), f"{facts.seconds:.1f}"),
        (Words("Done by an earlier run", "此前已完成"), str(facts.kept)),
        (Words("Recipe", "脱敏规则"), f"<code>{escape(facts.recipe)}</code>"),
        (Words("Digest of the recipe", "规则摘要"), f"<code>{facts.recipe_digest}</code>"),
        (Words("Table", "规则表"), f"DICOM PS3.15 {EDITION} Table E.1-1"),
        (Words("Program and engine", "程序与引擎版本"), f"{facts.version}, {ENGINE_VERSION}"),
        (Words("Key", "密钥"), _both(given) + mark),
        (Words("Subjects in the register", "登记表中的主体数"), str(facts.known)),
    )
    yield f"<h2>{_both(Words('The run', '运行信息'))}</h2>\n<table>"
    for what, value in rows:
        yield f"<tr><th>{_both(what)}</th><td>{value}</td></tr>\n"
    yield "</table>\n"


def _notice(said: Words) -> str:
    return f'<p class="notice">{_both(said)}</p>\n'


def _both(said: Words) -> str:
    if said.en == said.zh:
        return escape(said.en)
    return f"{escape(said.en)} {_zh(said.zh)}"


def _zh(text: str) -> str:
    return f'<span class="zh" lang="zh">{escape(text)}</span>'
