"""The timeline of a summary: one lane for each kind of act, from the first entry to the last."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.provenance.drawing import Box, Picture, Rule, Shape, Words

WIDTH: Final = 960
_LEFT, _RIGHT, _TOP, _ROW, _BAR = 190, 900, 34, 26, 16
_BINS: Final = 71
_LANES: Final = (
    ("people", "人员与许可", "people, permits", "#7a6ff0"),
    ("deposit", "汇聚", "deposit", "#2f7ed8"),
    ("clean", "脱敏", "cleaning", "#1aa198"),
    ("approval", "审批", "approval", "#3f9b3f"),
    ("issue", "下发", "issue", "#8aa61f"),
    ("shown", "查看", "shown", "#e0a100"),
    ("label", "标注", "label", "#e57c1f"),
    ("review", "审核", "review", "#d6532b"),
    ("release", "出域", "release", "#c2306f"),
    ("download", "下载", "download", "#8c2fa8"),
    ("evidence", "取证", "evidence", "#50606f"),
    ("refused", "拒绝", "refused", "#b00020"),
    ("other", "其他", "other", "#9aa5ae"),
)
_BY_ACTION: Final[Mapping[str, str]] = {
    "approval.view": "shown",
    "item.clean": "clean",
    "item.issue": "issue",
    "item.requeue": "clean",
    "label.submit": "label",
    "lease.close": "shown",
    "release.download": "download",
    "release.inspect": "shown",
    "review.open": "shown",
    "review.submit": "review",
    "task.open": "shown",
    "task.reopen": "shown",
}
_BY_SCOPE: Final[Mapping[str, str]] = {
    "approval": "approval",
    "dataset": "deposit",
    "deposit": "deposit",
    "evidence": "evidence",
    "ledger": "people",
    "log": "evidence",
    "member": "people",
    "permit": "people",
    "project": "people",
    "release": "release",
    "subject": "evidence",
    "training": "people",
}


@dataclass(frozen=True)
class Lane:
    """One kind of act: its names, its colour, and when each was."""

    zh: str
    en: str
    colour: str
    moments: Sequence[str]


def lane_of(entry: Mapping[str, Any]) -> str:
    """The lane on which an entry stands."""
    if entry["refusal"] is not None:
        return "refused"
    action = entry["action"]
    return _BY_ACTION.get(action, _BY_SCOPE.get(action.partition(".")[0], "other"))


def lanes(moments: Sequence[tuple[str, str]]) -> list[Lane]:
    """Lanes on which anything stands, in the order of the work; `moments` are (lane, time)."""
    found: dict[str, list[str]] = {}
    for lane, at in moments:
        found.setdefault(lane, []).append(at)
    return [Lane(zh, en, colour, found[name]) for name, zh, en, colour in _LANES if name in found]


def timeline(rows: Sequence[Lane]) -> Picture:
    """The picture: bars grow with how many acts fall into a slice of the time."""
    height = _TOP + _ROW * max(1, len(rows)) + 30
    every = sorted(at for row in rows for at in row.moments)
    title = f"时间轴 timeline: {len(every)} entries"
    if not every:
        return Picture(WIDTH, height, title, (Words(_LEFT, _TOP + 16, "没有条目 no entries"),))
    first, last = _time(every[0]), _time(every[-1])
    shapes: list[Shape] = list(_axis(first, last, height))
    for number, row in enumerate(rows):
        shapes += _lane(row, _TOP + number * _ROW, first, last)
    return Picture(WIDTH, height, title, shapes)


def _axis(first: datetime, last: datetime, height: float) -> Sequence[Shape]:
    shapes: list[Shape] = []
    for part in range(5):
        x = _LEFT + (_RIGHT - _LEFT) * part / 4
        at = first + (last - first) * part / 4
        text = f"{at:%m-%d %H:%M:%S}" if last - first < timedelta(days=2) else f"{at:%Y-%m-%d}"
        shapes += [
            Rule(x, _TOP - 6, x, height - 22, "#d5dbe1"),
            Words(x, height - 8, text, 9, "middle", "#566573"),
        ]
    begun = f"{first:%Y-%m-%d %H:%M:%S} – {last:%Y-%m-%d %H:%M:%S} UTC"
    return [Words(_LEFT, 16, begun, 10, "start", "#34495e"), *shapes]


def _lane(row: Lane, top: float, first: datetime, last: datetime) -> Sequence[Shape]:
    span = (last - first) / timedelta(seconds=1) or 1.0
    counts: Counter[int] = Counter()
    for at in row.moments:
        share = (_time(at) - first) / timedelta(seconds=1) / span
        counts[min(_BINS - 1, int(share * _BINS))] += 1
    most, width = max(counts.values()), (_RIGHT - _LEFT) / _BINS
    base = top + _BAR + 4
    shapes: list[Shape] = [
        Words(_LEFT - 10, base - 3, f"{row.zh} {row.en}", 10, "end"),
        Rule(_LEFT, base, _RIGHT, base, "#c3ccd4"),
        Words(_RIGHT + 8, base - 3, str(len(row.moments)), 10, "start", "#34495e"),
    ]
    for place, count in sorted(counts.items()):
        tall = max(3.0, _BAR * count / most)
        x = _LEFT + place * width
        shapes.append(Box(x + 0.5, base - tall, width - 1, tall, row.colour, f"{row.en}: {count}"))
    return shapes


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(UTC)
