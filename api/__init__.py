"""Doors: HTTP and the command line. A door parses, asks the gate, and answers."""
