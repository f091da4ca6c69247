"""Collect (采): datasets and the sealed deposits that arrive for them; nothing is opened here."""
