"""Shadows: a release that answers real requests once more, for the log only."""
