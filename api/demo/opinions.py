"""What the demo's people are asked to say of an item, and what they say after looking at it.

Of a text by words in it; of an image nothing that a physician would: whether it can be shown,
and how far the picture reaches.
"""

import re
import struct
from typing import Final

from api.client.errors import ClientError
from api.client.labelling import Project

NO_FINDING, FINDING, NOT_ASSESSABLE = CLASSES = ("no-finding", "finding", "not-assessable")
SCHEMA: Final = {
    "types": [
        {
            "name": "assessment",
            "title": {"zh": "判断", "en": "Assessment"},
            "kind": "classification",
            "classes": list(CLASSES),
            "least": 1,
            "most": 1,
            "required": True,
            "per": "item",
        },
        {
            "name": "field",
            "title": {"zh": "视野", "en": "Field that was looked at"},
            "kind": "box",
            "classes": ["whole-picture"],
            "least": 0,
            "most": 1,
            "required": False,
            "per": "frame",
        },
        {
            "name": "mention",
            "title": {"zh": "提及", "en": "Words that tell of a finding"},
            "kind": "span",
            "classes": ["finding"],
            "least": 0,
            "most": 50,
            "required": False,
            "per": "item",
        },
    ]
}
GUIDELINE: Final = {
    "goal": "Tell whether an image or report shows a finding that needs a physician.",
    "format": "One class per item; a box around the picture; a span for each word that tells.",
    "method": "Look at every frame, or read the whole text; then choose.",
    "positive_examples": ["A nodule, a bleed, a fracture, a mass."],
    "negative_examples": ["Normal variants; a report template without a patient."],
    "quality_index": "Cohen's kappa of 0.8 or more on reviewed items.",
}
DOCUMENTS: Final = {"guideline": GUIDELINE, "schema": SCHEMA}
_WORDS: Final = ("nodule", "结节", "占位", "haematoma", "缺血灶", "结石", "lesion", "浓聚")
_TELLING: Final = re.compile("|".join(_WORDS), re.IGNORECASE)
_SURROGATE: Final = re.compile(r"\[[A-Z_0-9]+-([A-Z]{6})")
_MOST_SPANS: Final = 50
_UNSHOWABLE: Final = 422
_PNG_SIZE: Final = slice(16, 24)


def opinion(seat: Project, lease: str, known: set[str]) -> dict[str, object]:
    """What a person of the demo says after looking at all that a lease shows.

    Args:
        seat: the person's place in the project.
        lease: the lease.
        known: gets the ids of item and task, and the letters of every surrogate seen.

    Raises:
        ClientError: the server refused for another reason than that a frame can't be shown.
    """
    seen = seat.lease(lease)
    known.update((str(seen["item"]), str(seen["task"])))
    if seen["kind"] == "text":
        text = seat.text(lease)
        known.update(_SURROGATE.findall(text))
        return _of_text(text)
    try:
        frames = [seat.frame(lease, number) for number in range(int(seen["frames"]))]
    except ClientError as error:
        if error.status != _UNSHOWABLE:
            raise
        frames = []
    return _of_frames(frames)


def _of_text(text: str) -> dict[str, object]:
    # Python counts code points, as the house does.
    found = [match.span() for match in _TELLING.finditer(text)][:_MOST_SPANS]
    marks = [_assessment(FINDING if found else NO_FINDING)]
    for number, (start, end) in enumerate(found, start=2):
        marks.append({"id": number, "type": "mention", "class": "finding", "span": [start, end]})
    return {"labels": marks}


def _of_frames(frames: list[bytes]) -> dict[str, object]:
    marks = [_assessment(NO_FINDING if frames else NOT_ASSESSABLE)]
    if frames:
        width, height = struct.unpack(">II", frames[0][_PNG_SIZE])
        marks.append(
            {
                "id": 2,
                "type": "field",
                "class": "whole-picture",
                "frame": 0,
                "box": [0, 0, width, height],
            }
        )
    return {"labels": marks}


def _assessment(chosen: str) -> dict[str, object]:
    return {"id": 1, "type": "assessment", "class": chosen}
