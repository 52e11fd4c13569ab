"""Rollouts: what a person or the controller does to a promotion in progress."""
