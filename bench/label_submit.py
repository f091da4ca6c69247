"""Labels saved per second through desk and gate: a choice, 20 boxes, a polygon of 200 corners.

One labeller, one after another: parsed, checked against schema and item, scanned, sealed, ruled
on, entered, signed. Opening the task is not timed. `before` is what the room could do at first: a
choice of one class.
"""

import math
import secrets
import sys
import tempfile
import time
from pathlib import Path

from figures import record

# The tests' house and its parts stand beside each other and are no package.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "label"))

from room_house import RoomHouse
from room_parts import LEDGER, MARKS, SCHEMA, ct_file

from sandbox.label.desk import LabelDraft

LABELS = 150
ROUNDS = 3
GOAL_RATIO = 0.3


def twenty_boxes() -> dict[str, object]:
    return {
        "labels": [
            {
                "id": n + 1,
                "type": "lesion",
                "class": "nodule",
                "frame": 0,
                "box": [n * 6, secrets.randbelow(1000) / 10, 5.5, 7],
            }
            for n in range(20)
        ]
    }


def one_polygon() -> dict[str, object]:
    corners = [
        [
            round(64 + 60 * math.cos(n * math.tau / 200)),
            round(64 + 60 * math.sin(n * math.tau / 200)),
        ]
        for n in range(200)
    ]
    kept = list(dict.fromkeys(map(tuple, corners)))
    mark = {"id": 1, "type": "outline", "class": "lung", "polygon": [list(c) for c in kept]}
    return {"labels": [mark]}


KINDS = {
    "choice": (SCHEMA, lambda: {"classes": ["effusion"]}),
    "20_boxes": (MARKS, twenty_boxes),
    "polygon": (MARKS, one_polygon),
}


def run() -> None:
    best = dict.fromkeys(KINDS, 0.0)
    for _ in range(ROUNDS):  # in turns, so that all see the same weather
        for name in KINDS:
            best[name] = max(best[name], labels_per_s(name))
    for name, per_s in best.items():
        ratio = None if name == "choice" else per_s / best["choice"]
        against = None if name == "choice" else "choice"
        goal = f">= {GOAL_RATIO} of a choice" if name == "20_boxes" else None
        met = ratio is None or ratio >= GOAL_RATIO or goal is None
        record("label", f"submit_{name}", per_s, "labels/s", against, ratio, goal, met)


def labels_per_s(name: str) -> float:
    schema, value = KINDS[name]
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as folder:
        house = RoomHouse(Path(folder))
        try:
            house.opened(0, project={"schema": schema})
            content = ct_file()
            for _ in range(LABELS):
                house.issue(content, "dicom", 1)
            return LABELS / sum(one_label(house, value()) for _ in range(LABELS))
        finally:
            house.close()


def one_label(house: RoomHouse, value: dict[str, object]) -> float:
    """Seconds from the labeller's JSON to the receipt; each item is opened for the first time."""
    task = str(house.open_task(house.labeller).reply["task"])
    draft = LabelDraft(house.project, task, 0, value, "", ())
    begun = time.perf_counter()
    house.perform(house.labeller, house.desk.submit_label(LEDGER, draft, None))
    return time.perf_counter() - begun


if __name__ == "__main__":
    run()
