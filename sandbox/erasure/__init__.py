"""Erasure: a person's or a dataset's keys are destroyed, on a steward's order, and it is proved.

Order (`erasure.order`, signed by a steward) -> the worker takes everything out of work
(`erasure.begin`) -> keys, then blobs go -> `erasure.complete` -> keys of all that stays move to
another epoch, the former one is destroyed at the provider (`key.rotate`). Only then is it final.

Source: docs/spec/erasure.md.
"""
