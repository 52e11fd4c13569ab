"""Auditing: whether the store's past is what was signed."""
