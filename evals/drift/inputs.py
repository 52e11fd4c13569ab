"""What probes ask: a few fixed prompts, and many short questions among which border inputs are found."""

from __future__ import annotations

from itertools import combinations

PROMPTS = ("x", "7", "Why", "The next word is", "Name one.")
"""For endpoints that tell logprobs: what is asked hardly matters, so it is short (arXiv 2512.03816)."""

_WORDS = ("red", "blue", "north", "south", "tea", "milk", "gold", "iron", "cat", "dog", "one", "two")
_CANDIDATES = 60


def candidates() -> tuple[str, ...]:
    """Questions with two equally good answers: the first token is often near a tie."""
    return tuple(f"{a} or {b}? One word." for a, b in combinations(_WORDS, 2))[:_CANDIDATES]
