"""Keeping up with a remote: what moves forward goes there first, what goes back goes there afterwards."""
