"""Where ledgers, blobs and keys are kept; the only floor that knows a database.

- `fields`: how each field of a row is written; one form for every adapter.
- `schema`, `tables`: rows as SQLAlchemy Core tables, and the port over a connection.
- `sqlite`, `memory`: the two stores of ledgers; both pass one contract suite.
- `blobs`, `keystore`: ciphertexts in a folder, wrapped keys in a file of their own.
- `rows`: which row types a ledger of which kind keeps.
"""
