"""A witness of logs, for a regulator or hospital on a machine of its own.

It stands on `crypto` alone: no database, no settings of a house, nothing of the sandbox.
"""
