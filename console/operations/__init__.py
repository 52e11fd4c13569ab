"""One file per verb: plan() reads and decides, apply() does it.

Screens and commands call these and nothing else.
"""
