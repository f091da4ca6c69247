"""Routes of the HTTP door, one module per room."""
