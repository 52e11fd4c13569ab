"""Eval sets of other tools, read into suites of ours: one file a format, what cannot be kept said by line."""
