"""Measures over labels: numbers in, numbers out; nothing here knows people, projects or rows."""
