"""The domain: rooms, engines, gate, provenance and storage."""
