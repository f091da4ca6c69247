"""Primitives that know nothing of hospitals, labels or people.

Uses the standard library and `cryptography` only. `verifier.py` stands alone on purpose:
it shares nothing with its neighbours but the specification and the test vectors.
"""
