"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc

YOUNG = 50_000
"""Objects made since the last look. Python's 700 is met hundreds of times by one large import, and
each look goes over objects that stay: without them `import openai` takes a tenth less."""


def collect_seldom() -> None:
    """For a process's first line, before its imports: looks for garbage every `YOUNG` new objects."""
    gc.set_threshold(YOUNG, 10, 10)


def keep_what_is_there() -> None:
    """For a program with a screen, once its modules are loaded: never looks at them again.

    A full look at what the console has loaded takes a tenth of a second, in which no key is heard.
    """
    gc.freeze()
