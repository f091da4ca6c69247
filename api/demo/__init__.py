"""The demo: every party, played through the public API and the client side only.

It imports nothing of the server. Processes are started as anybody would start them; what the
parties tell each other out of band (fingerprints, pinned keys) is read from the data folder, which
stands in for the letter or the telephone.
"""
