"""The provenance log: entries, the notary that signs them, and what is given out as proof.

- `entry`: one act as it stands in the log; building it and checking its form.
- `notary`, `journal`, `notary_wire`: who signs a ledger's head, what it keeps, how it is reached.
- `publishing`: tiles and checkpoint in the published folder.
- `receipts`, `evidence`: what a person or a regulator takes away.

It rules on nothing and changes no row: that is the gate's part.
"""
