"""Saying yes to a release before it moves forward, and counting who did."""
