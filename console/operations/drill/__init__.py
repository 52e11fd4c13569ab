"""Rehearsing rollbacks: whether each one that the store promises would hold tonight."""
