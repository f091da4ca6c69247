"""Labelling: projects, tasks, leases, labels and their review by another person."""
