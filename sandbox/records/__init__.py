"""What the rooms keep: the port (`port`) and the rows, one module per subject.

Rooms never import one another; a fact of another room is read from its rows through the unit
of work, so the row types stand below all rooms.
"""
