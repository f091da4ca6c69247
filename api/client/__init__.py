"""The other side of the door: seals, opens and signs locally, knows nothing of the server."""
