"""What `anbiao clean` says at its end: counts, reasons, what to do next; English or Chinese."""

from collections.abc import Iterator, Mapping

from sandbox.clean.batch import Line, Tally
from sandbox.clean.explanations import EXPLANATIONS, KINDS, REMOVED, STATES, words_of
from sandbox.clean.report_page import shown

_MOST_KINDS = 12


def speaks_chinese(environment: Mapping[str, str]) -> bool:
    """Whether the locale of messages is a Chinese one."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return environment[name].casefold().startswith("zh")
    return False


def preview(line: Line, *, chinese: bool) -> str:
    """One line of a rehearsal: state, kind, reason, counts of actions, and the file."""
    state, kind = words_of(STATES, line.state.value), words_of(KINDS, line.kind.value)
    done = " ".join(f"{letter}:{count}" for letter, count in line.actions.items())
    said = (state.zh, kind.zh) if chinese else (state.en, kind.en)
    told = "  ".join(part for part in (*said, line.reason or "", done) if part)
    return f"{told}  {shown(line.source)}"


def summary(tally: Tally, seconds: float, kept: int, *, chinese: bool) -> Iterator[str]:
    """The lines of the summary."""
    yield _headline(tally, chinese=chinese)
    for (state, reason), count in sorted(tally.ends.items(), key=str):
        if reason is not None:
            why, then = EXPLANATIONS[reason]
            named = words_of(STATES, state.value)
            if chinese:
                yield f"  {count} 个{named.zh}（{reason}）：{why.zh}"
                yield f"      下一步：{then.zh}"
            else:
                yield f"  {count} {named.en} ({reason}): {why.en}"
                yield f"      next: {then.en}"
    if tally.removed:
        yield _taken_out(tally, chinese=chinese)
    yield _pace(tally.total - kept, seconds, kept, chinese=chinese)


def _headline(tally: Tally, *, chinese: bool) -> str:
    total, done = tally.total, tally.cleaned
    if chinese:
        return f"共 {total} 个文件：{done} 个已清洗，{total - done} 个未清洗。"
    return f"{total} {'file' if total == 1 else 'files'}: {done} cleaned, {total - done} not."


def _taken_out(tally: Tally, *, chinese: bool) -> str:
    most = tally.removed.most_common()
    named = [(words_of(REMOVED, kind), count) for kind, count in most[:_MOST_KINDS]]
    rest = sum(count for _, count in most[_MOST_KINDS:])
    if chinese:
        told = "、".join(f"{words.zh} {count}" for words, count in named)
        return f"已去除：{told}{f'、其他 {rest}' if rest else ''}。"
    told = ", ".join(f"{words.en} {count}" for words, count in named)
    return f"Removed: {told}{f', others {rest}' if rest else ''}."


def _pace(done: int, seconds: float, kept: int, *, chinese: bool) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    if chinese:
        earlier = f"；另有 {kept} 个此前已完成" if kept else ""
        return f"用时 {seconds:.1f} 秒，每秒 {rate:.0f} 个文件{earlier}。"
    earlier = f"; {kept} were done by an earlier run" if kept else ""
    return f"Took {seconds:.1f} s, {rate:.0f} files/s{earlier}."
