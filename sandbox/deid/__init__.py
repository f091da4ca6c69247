"""De-identification engines: bytes in, bytes and a record out; no database, no network."""
