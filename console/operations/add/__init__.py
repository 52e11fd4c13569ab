"""Add: land a new version of a component. One file per kind; `landing` is what they share."""
