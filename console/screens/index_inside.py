"""Inside an index version: its documents and its probes, beside each other as tabs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from console.operations import index_look
from console.operations.index_look import Verified
from console.screens.dialog import Dialog
from console.screens.session import Session
from console.views.documents import document_lines
from console.views.line import Line, Part, line, muted
from console.views.probes import probe_lines, verified_lines
from console.views.trouble import trouble_lines
from console.widgets.content import flat, key_hints, literal
from console.widgets.pane import Pane
from store.records.component import Pin

if TYPE_CHECKING:
    from console.screens.saying import Saying

Tab = Literal["documents", "probes"]
_TITLES: dict[Tab, str] = {"documents": "Documents", "probes": "Probes"}


class IndexInside(Dialog[None]):
    """Two panes, one shown; each is read when it is first looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,left,right,h,l", "other", "other tab", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, session: Session, pin: Pin, tab: Tab, verified: Verified | None = None) -> None:
        """`verified` is what a verify of `pin` found, where there was one."""
        super().__init__()
        self._session = session
        self._pin = pin
        self._tab: Tab = tab
        self._verified = verified
        self._read: set[Tab] = set()

    def compose(self) -> ComposeResult:
        """Head, tabs, panes."""
        with Vertical(classes="box -tall"):
            yield Static(literal(str(self._pin)), classes="head")
            yield Static("", id="tabs", markup=False)
            for tab in _TITLES:
                yield Pane(id=tab)
            hints = (("Tab", "the other list"), ("y", "copy"), ("Esc", "close"))
            yield Static(key_hints(*hints), classes="keys")

    def on_mount(self) -> None:
        """Shows the first tab."""
        super().on_mount()
        self._show()

    def ready(self) -> None:
        """The pane takes the keys."""
        self._pane.focus()

    @property
    def _pane(self) -> Pane:
        return self.query_one(f"#{self._tab}", Pane)

    def action_other(self) -> None:
        """The other tab."""
        self._tab = "probes" if self._tab == "documents" else "documents"
        self._show()
        self._pane.focus()

    def action_copy(self) -> None:
        """Copies `index/name@vN`."""
        cast("Saying", self.app).copy(str(self._pin))

    def _show(self) -> None:
        for tab in _TITLES:
            self.query_one(f"#{tab}", Pane).display = tab == self._tab
        titles = (
            Part(f"[{title}]  ", "strong") if tab == self._tab else Part(f" {title}   ", "muted")
            for tab, title in _TITLES.items()
        )
        self.query_one("#tabs", Static).update(flat(tuple(titles)))
        if self._tab not in self._read:
            self._read.add(self._tab)
            self._load(self._tab)

    @work(exit_on_error=False)
    async def _load(self, tab: Tab) -> None:
        pane = self.query_one(f"#{tab}", Pane)
        pane.show((line(muted("reading…")),))
        try:
            lines = await self._session.work(self._made(tab))
        except Exception as error:  # whatever it is, the pane says so and the other one still works
            lines = trouble_lines(error)
        if self.is_attached:
            pane.show(lines)

    def _made(self, tab: Tab) -> Callable[[], tuple[Line, ...]]:
        if tab == "probes" and self._verified is not None:
            return partial(verified_lines, self._verified)
        return partial(_read, self._session, self._pin, tab)


def _read(session: Session, pin: Pin, tab: Tab) -> tuple[Line, ...]:
    if tab == "probes":
        return probe_lines(index_look.probes(session.workspace, str(pin)))
    return document_lines(index_look.documents(session.workspace, str(pin)))
