"""Whether the stored rows and entries are those that the log speaks of.

- `published`: the signed log, read from its files. `expected`: what each row must be, by the
  imprints that the log commits to. `ledger`: the comparison. `house`: all ledgers of a house.

Nothing here writes, and nothing of a row's values is told: tables, keys and names of columns only.
"""
