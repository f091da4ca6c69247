"""The documents of a project."""

GUIDELINE = {
    "goal": "Tell whether a film shows an effusion.",
    "format": "One class per film.",
    "method": "Look at the costophrenic angles.",
    "positive_examples": ["A blunted angle."],
    "negative_examples": ["A sharp angle."],
    "quality_index": "Agreement of two readers above 0.9.",
}
SCHEMA = {"kind": "classification", "classes": ["effusion", "none"], "multiple": False}
