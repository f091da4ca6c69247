"""File formats: what a file is, by its bytes, and how to read and write it."""
