"""How tables of yesterday become tables of today; the same revisions for every database.

- `versions/`: the revisions, Alembic scripts in one line of descent. One that is on main is never
  changed; there is no way down: who wants back restores a backup.
- `steps`: the words in which a revision says what changes; it names no database.
- `run`: carries revisions out, and says where a database stands.
- `revise`: draws the next revision from the difference between rows and revisions.
"""
