"""One row of a forest plot as SVG: D as a dot, its interval as a line, the margin to hold it against."""

from __future__ import annotations

from evals.reports.report import Category

_WIDTH = 200
_LEAST = 0.05
"""The share on either side of zero that the axis shows at least."""


def forest(one: Category) -> str:
    """The drawing; empty where there is no difference to draw."""
    if one.difference is None:
        return ""
    low = one.difference if one.low is None else one.low
    high = one.difference if one.high is None else one.high
    reach = max(_LEAST, 1.2 * one.margin, abs(low), abs(high), abs(one.difference))

    def x(share: float) -> str:
        return f"{_WIDTH / 2 * (1 + max(-1.0, min(1.0, share / reach)) * 0.95):.1f}"

    return (
        f'<svg viewBox="0 0 {_WIDTH} 20" role="img">'
        f'<line class="axis" x1="{x(0)}" x2="{x(0)}" y1="0" y2="20"/>'
        f'<line class="margin" x1="{x(-one.margin)}" x2="{x(-one.margin)}" y1="0" y2="20"/>'
        f'<line class="span" x1="{x(low)}" x2="{x(high)}" y1="10" y2="10"/>'
        f'<circle class="dot" cx="{x(one.difference)}" cy="10" r="4"/></svg>'
    )
