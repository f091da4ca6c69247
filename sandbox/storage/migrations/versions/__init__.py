"""The revisions, in one line of descent."""
