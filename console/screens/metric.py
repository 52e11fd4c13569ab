"""One metric of a rollout: in words, and as a plot over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from console.operations.rollout.series import Series, series
from console.screens.dialog import Dialog
from console.screens.session import Session
from console.views.line import Line, line, muted
from console.views.rollout import metric_name, threshold_text
from console.views.trouble import trouble_text
from console.widgets.content import flat, key_hints, literal
from console.widgets.pane import Pane
from store.records.finding import Finding

if TYPE_CHECKING:
    from console.widgets.plot import Curve


class MetricPanel(Dialog[None]):
    """Words above, the plot below; Enter and Esc close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close_it", "close", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
    ]

    def __init__(self, session: Session, environment: str, finding: Finding, lines: tuple[Line, ...]) -> None:
        super().__init__()
        self._session = session
        self._environment = environment
        self._finding = finding
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The box."""
        from console.widgets.plot import TimePlot

        with Vertical(classes="box -tall"):
            yield Static(
                literal(f"{metric_name(self._finding.metric)} in {self._environment}"), classes="head"
            )
            pane = Pane(id="metric")
            pane.show(self._lines)
            yield pane
            yield Static(flat(line(muted("reading…"))), id="plotted", markup=False)
            yield TimePlot()
            yield Static(key_hints(("↑ ↓", "scroll"), ("Esc", "close")), classes="keys")

    def on_mount(self) -> None:
        """Reads the course in the reading thread."""
        super().on_mount()
        self._load()

    def ready(self) -> None:
        """The text can be scrolled."""
        self.query_one(Pane).focus()

    def action_close_it(self) -> None:
        """Closes it."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """A line up or down."""
        self.query_one(Pane).scroll_relative(y=by, animate=False)

    @work(exit_on_error=False)
    async def _load(self) -> None:
        said = self.query_one("#plotted", Static)
        try:
            found = await self._session.read(
                series, self._session.workspace, self._environment, self._finding.metric
            )
        except Exception as error:  # whatever it is, the words above stay readable
            if self.is_attached:
                self._without_plot(trouble_text(error))
            return
        if not self.is_attached:
            return
        if not found.canary and not found.control:
            self._without_plot("Nothing to draw yet.")
            return
        said.update(flat(line(muted(_caption(found, self._finding)))))
        self._draw(found)

    def _without_plot(self, why: str) -> None:
        from console.widgets.plot import TimePlot

        self.query_one("#plotted", Static).update(flat(line(muted(why))))
        self.query_one(TimePlot).display = False

    def _draw(self, found: Series) -> None:
        from console.widgets.plot import TimePlot

        hours = _in_hours(found)
        self.query_one(TimePlot).show(
            _curves(found, hours),
            unit="mean score" if _is_score(found) else "% of requests",
            along="hours" if hours else "minutes",
            levels=() if _is_score(found) else _levels(self._finding),
            moments=tuple(one / (60 if hours else 1) for one in found.steps[1:]),
        )


def _is_score(found: Series) -> bool:
    return found.metric.startswith("quality")


def _in_hours(found: Series) -> bool:
    return max(point.minutes for point in (*found.canary, *found.control)) > 180


def _curves(found: Series, hours: bool) -> tuple[Curve, ...]:
    from console.widgets.plot import Curve

    along, up = 60.0 if hours else 1.0, 1.0 if _is_score(found) else 100.0
    arms = (("control", found.control, "·", "blue+"), ("canary", found.canary, "●", "orange"))
    return tuple(
        Curve(name, tuple((point.minutes / along, point.value * up) for point in points), marker, color)
        for name, points, marker, color in arms
    )


def _levels(finding: Finding) -> tuple[float, ...]:
    return (100 * finding.threshold,) if finding.threshold is not None else ()


def _caption(found: Series, finding: Finding) -> str:
    threshold = f"   threshold {threshold_text(finding)}" if finding.threshold is not None else ""
    steps = "   │ a step" if len(found.steps) > 1 else ""
    return f"● canary   · control   since {found.began:%d %b %H:%M} UTC{threshold}{steps}"
