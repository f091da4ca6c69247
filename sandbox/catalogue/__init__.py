"""The public register: which datasets and projects exist, without personal data."""
