"""The scales that a judge answers on, and how votes on them are counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import Literal

Scale = Literal["boolean", "1-5"]
"""Yes (1) or no (0), or a number from 1 to 5."""
LOWEST, HIGHEST = 1, 5


def bounds(scale: Scale) -> tuple[int, int]:
    """The lowest and the highest vote."""
    return (0, 1) if scale == "boolean" else (LOWEST, HIGHEST)


def settle(votes: Sequence[int | None], scale: Scale) -> int | None:
    """The median of an odd number of votes, which is the majority of yes and no.

    A vote that is missing (None) could have been any: where that could change the outcome, there is
    none. Raises ValueError for an even number of votes and for votes off the scale.
    """
    low, high = bounds(scale)
    if len(votes) % 2 == 0 or any(vote is not None and not low <= vote <= high for vote in votes):
        raise ValueError(f"no odd number of votes from {low} to {high}: {votes!r}")
    least = median(low if vote is None else vote for vote in votes)
    most = median(high if vote is None else vote for vote in votes)
    return int(least) if least == most else None


def in_words(value: int, scale: Scale) -> str:
    """yes, no or `4 of 5`."""
    return ("yes" if value else "no") if scale == "boolean" else f"{value} of {HIGHEST}"


def read_words(text: str, scale: Scale) -> int | None:
    """The value that `in_words` said at the beginning of `text`; None where it says something else."""
    low, high = bounds(scale)
    for value in range(low, high + 1):
        if re.match(rf"{re.escape(in_words(value, scale))}\b", text):
            return value
    return None
