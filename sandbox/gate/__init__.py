"""The gate: the one place that rules, acts and records.

- `door`: the public face, `Gate`.
- `writer`: one thread per ledger; batches, commits, receipts.
- `deed`: one command inside a unit of work: facts, ruling, act, entry.
- `standing`: who somebody is in a ledger. `signatures`: signed acts. `repeats`: idempotency.
- `governing`: which policy is in force. `refusals`: how its denials are told.
- `head`: the ledger's end in memory; notary, publishing, and the halt when they disagree.

Nothing else in this house commits.
"""

from sandbox.gate.door import Gate

__all__ = ["Gate"]
