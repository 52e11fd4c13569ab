"""A plot over time, by a plotting library that is imported when one is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widget import Widget

from store.text import one_line


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot."""

    name: str
    points: tuple[tuple[float, float], ...]
    marker: str
    """A character: curves differ by it, not by colour alone."""
    color: str
    """`blue+`, `orange`, …: one of the terminal's own sixteen."""


class TimePlot(Widget):
    """Curves over minutes, with levels and moments that stand out."""

    DEFAULT_CSS = "TimePlot { height: 1fr; min-height: 8; background: $background; }"

    def compose(self) -> ComposeResult:
        """The library's widget."""
        from textual_plotext import PlotextPlot

        yield PlotextPlot()

    def show(
        self,
        curves: Sequence[Curve],
        *,
        unit: str,
        along: str,
        levels: Sequence[float] = (),
        moments: Sequence[float] = (),
    ) -> None:
        """Draws `curves`; `unit` is the vertical axis' and `along` the horizontal one's title."""
        from textual_plotext import PlotextPlot

        drawn = self.query_one(PlotextPlot)
        plot = drawn.plt
        plot.clear_figure()
        plot.theme("clear")
        for curve in curves:
            if curve.points:
                across, up = zip(*curve.points, strict=True)
                plot.plot(
                    list(across),
                    list(up),
                    label=one_line(curve.name, 40),
                    marker=curve.marker,
                    color=curve.color,
                )
        for level in levels:
            plot.hline(level, "red")
        for moment in moments:
            plot.vline(moment, "gray")
        plot.xlabel(along)
        plot.ylabel(unit)
        drawn.refresh()
