"""A corpus of synthetic DICOM files with planted identifiers, and the score of what cleaned it.

Follows DICOM PS3.15 2024b Annex E on its own: nothing in here imports what it is used to judge,
nor shares a table with it (`tests/bench` proves both).
"""
