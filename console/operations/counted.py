"""Numbers with their noun."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """ "1 document", "1,204 documents", "2 entries" (with `plural` given)."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def some_of(names: tuple[str, ...], total: int, shown: int = 3) -> str:
    """ "a.pdf, b.pdf, c.pdf and 4 more": the first `shown` of `total`, of which `names` are the first."""
    rest = total - min(shown, len(names))
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
