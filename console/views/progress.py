"""Progress in lines: a bar where the end is known, how long it took, how long it will take."""

from __future__ import annotations

from datetime import timedelta

from console.views.ages import span
from console.views.line import Line, Part, line, muted
from store.progress import Progress

BAR = 32
"""Cells of a progress bar."""


def bar(share: float, width: int) -> str:
    """`share` (0 to 1) as a bar of `width` cells, in eighths."""
    share = min(1.0, max(0.0, share))
    eighths = round(share * width * 8)
    whole, rest = divmod(eighths, 8)
    tip = " ▏▎▍▌▋▊▉"[rest] if rest else ""
    return ("█" * whole + tip).ljust(width, "·")


def progress_lines(step: Progress, elapsed: float) -> tuple[Line, ...]:
    """`step` after `elapsed` seconds."""
    lines = [line(Part(step.stage, "strong"), f"  {step.note}" if step.note else "")]
    if step.total:
        counted = f"  {_short(step.done, step.total)} of {_short(step.total, step.total)}"
        lines.append(line(Part(bar(step.done / step.total, BAR), "accent"), counted))
    elif step.done:
        lines.append(line(f"{step.done:,} done"))
    lines.append(line(muted(f"{span(timedelta(seconds=elapsed))}{_left(step, elapsed)}")))
    return tuple(lines)


def _short(number: int, most: int) -> str:
    """Whole where people count, in millions where they would not (bytes, mostly)."""
    return f"{number:,}" if most < 10_000_000 else f"{number / 1_000_000:,.0f} M"


def _left(step: Progress, elapsed: float) -> str:
    if not step.total or not step.done or elapsed < 1:
        return ""
    rest = elapsed / step.done * max(0, step.total - step.done)
    return f", about {span(timedelta(seconds=rest))} left"
