"""Compare: the same questions to two releases, their answers, passages and costs beside each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations import compare
from console.operations.compare import Asked, Compared
from console.operations.compared import compared_as_data
from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.screens.message import MessagePanel
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.compare import (
    asked_lines,
    compared_table,
    pair_line,
    requests_table,
    side_lines,
    usual_pair,
)
from console.views.export import write_rows
from console.views.line import Line, Part, line, muted
from console.views.trouble import trouble_lines
from console.views.versions import release_choices
from console.views.world import World
from console.widgets.content import flat, paragraphs
from console.widgets.pane import Pane
from console.widgets.table import TableView
from store.errors import Cancelled
from store.progress import Progress, Report, Stop

NEWEST = 10
"""Requests that one key asks anew."""
_OFFERED = 200
"""Kept requests to choose from."""
_DRAWN_EVERY = 0.25
_EMPTY = line("nothing asked yet: ", Part("a", "key"), " asks, ", Part("i", "key"), " takes a kept request")


class CompareScreen(PlaceScreen):
    """Questions above; below them the two answers to the one under the cursor."""

    place = "compare"
    CSS_PATH = "compare.tcss"
    BINDINGS = bindings_of("compare")
    AUTO_FOCUS = "#asked"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._first: str | None = None
        self._second: str | None = None
        self._found: list[Compared] = []
        self._asking: tuple[Asked, ...] = ()
        self._step = Progress("comparing")
        self._stop = threading.Event()
        self._timer: Timer | None = None
        self._drawn = -1

    def body(self) -> Iterable[Widget]:
        """The pair, the questions, the sides."""
        yield Static("", id="pair", markup=False)
        yield TableView(id="asked")
        yield Static("", id="question", markup=False)
        with Container(id="sides"):
            yield Pane(id="left")
            yield Pane(id="right")

    def draw(self, world: World) -> None:
        """Chooses the pair that people want first, unless one was chosen."""
        if self._first is None and self._second is None:
            self.load(partial(usual_pair, world), self._paired)
        else:
            self._paired((self._first, self._second))
            self.drawn.set()

    def _paired(self, pair: tuple[str | None, str | None]) -> None:
        self._first, self._second = pair
        self._say()
        self._list()

    def _say(self) -> None:
        told = pair_line(self._first, self._second, self.session.world)
        if self._timer is not None:
            told = (*told, muted(f"   asking {len(self._found) + 1} of {len(self._asking)}… x stops"))
        self.query_one("#pair", Static).update(flat(told))

    def _list(self) -> None:
        self._drawn = len(self._found)
        table = self.query_one("#asked", TableView)
        table.show(compared_table(self._found, _EMPTY))
        most = 5 if self.size.height < 30 else 12
        table.styles.height = max(2, min(most, table.count + 1))

    @property
    def _one(self) -> Compared | None:
        key = self.query_one("#asked", TableView).key
        return self._found[int(key)] if key is not None else None

    def on_table_view_moved(self) -> None:
        """The answers to the question under the cursor."""
        one = self._one
        asked: tuple[Line, ...] = asked_lines(one) if one else ()
        self.query_one("#question", Static).update(paragraphs(asked))
        self.query_one("#sides").display = one is not None
        self.query_one("#left", Pane).show(side_lines(one, True) if one else ())
        self.query_one("#right", Pane).show(side_lines(one, False) if one else ())
        self.refresh_keys()

    def on_resize(self) -> None:
        """The list shares the height anew."""
        self._list()

    # -- asking -------------------------------------------------------------------------------

    def ask(self, first: str, second: str, asking: Sequence[Asked]) -> None:
        """Asks both releases everything in `asking`; what is asked already goes on."""
        if self._timer is not None:
            self.lockgate.say("Questions are being asked; x stops them.", severity="warning")
            return
        self._first, self._second = first, second
        self._found, self._asking = [], tuple(asking)
        self._stop = threading.Event()
        self._timer = self.set_interval(_DRAWN_EVERY, self._redraw)
        self._say()
        self._list()
        self.refresh_keys()
        self.app.run_worker(self._run(first, second), group="compare", exit_on_error=False)

    async def _run(self, first: str, second: str) -> None:
        trouble: Exception | None = None
        try:
            with self.session.doing(f"Comparing {first} and {second}"):
                await self.session.work(self._compare, first, second)
        except Cancelled:
            self.lockgate.say("Stopped; what was answered stays.")
        except Exception as error:
            trouble = error
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.is_attached:
            self._redraw()
            self._say()
            self.refresh_keys()
        if trouble is not None:
            self.app.push_screen(MessagePanel("The comparison did not finish", trouble_lines(trouble)))

    def _compare(self, first: str, second: str) -> None:
        """In a thread with an event loop of its own: indexes and embedders may block there."""
        asyncio.run(
            compare.run(
                self.session.workspace,
                first,
                second,
                self._asking,
                report=self._reported,
                stop=lambda: self._stop.is_set() or self.session.closed,
                on_compared=self._found.append,
            )
        )

    def _reported(self, step: Progress) -> None:
        self._step = step

    def _redraw(self) -> None:
        if self._drawn != len(self._found):
            self._list()
        self._say()

    # -- keys ---------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None:
            return STILL_READING
        if action.id in ("ask", "kept", "newest", "swap") and (self._first is None or self._second is None):
            return "Two releases are wanted: f and t choose them."
        if action.id in ("first", "second") and not self.session.world.snapshot.release_ids():
            return "There is no release yet: 2 stages one."
        if action.id == "halt" and self._timer is None:
            return "Nothing is being asked."
        if action.id == "save" and not self._found:
            return "There is nothing to export yet."
        if action.id == "test_of_it":
            return None if self._one is not None else "Nothing is asked yet."
        return None

    def do_ask(self) -> None:
        """A question that is typed."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._ask_pair([Asked(text)])

        self.app.push_screen(AskDialog("Ask both releases"), answered)

    def do_kept(self) -> None:
        """One of the kept requests."""
        self.run_worker(self._choose_kept(), group="asking", exit_on_error=False)

    async def _choose_kept(self) -> None:
        workspace = self.session.workspace

        def look(_: Report, __: Stop) -> list[Asked]:
            return compare.questions(workspace, last=_OFFERED)

        asked = await self.lockgate.operator.attempt("Kept requests", look)
        if asked is None:
            return
        by_id = {str(one.request_id): one for one in asked}
        chosen = await self.app.push_screen_wait(ChooseDialog("Ask what a user asked", requests_table(asked)))
        if chosen is not None:
            self._ask_pair([by_id[chosen]])

    def do_newest(self) -> None:
        """The newest kept requests."""
        self.run_worker(self._ask_newest(), exit_on_error=False)

    async def _ask_newest(self) -> None:
        workspace = self.session.workspace

        def look(_: Report, __: Stop) -> list[Asked]:
            return compare.questions(workspace, last=NEWEST)

        asked = await self.lockgate.operator.attempt("Kept requests", look)
        if asked is not None:
            self._ask_pair(asked)

    def _ask_pair(self, asking: Sequence[Asked]) -> None:
        if self._first is not None and self._second is not None:
            self.ask(self._first, self._second, asking)

    def do_first(self) -> None:
        """The release at the left."""
        self._choose("At the left", lambda chosen: (chosen, self._second))

    def do_second(self) -> None:
        """The release at the right."""
        self._choose("At the right", lambda chosen: (self._first, chosen))

    def do_swap(self) -> None:
        """Left to right. Answers are of another pair then."""
        self._take((self._second, self._first))

    def _choose(self, head: str, made: Callable[[str], tuple[str | None, str | None]]) -> None:
        world = self.session.world
        if world is None:
            return

        def chosen(release: str | None) -> None:
            if release is not None:
                self._take(made(release))

        self.app.push_screen(ChooseDialog(head, release_choices(world)), chosen)

    def _take(self, pair: tuple[str | None, str | None]) -> None:
        if self._timer is None:
            self._found = []
            self._paired(pair)

    def do_test_of_it(self) -> None:
        """Makes a test of what the release at the right answered to the question under the cursor."""
        from console.screens.compare_case import make_test

        if (one := self._one) is not None:
            self.run_worker(make_test(self.lockgate, one), group="asking", exit_on_error=False)

    def do_halt(self) -> None:
        """Stops after the question that is being answered."""
        self._stop.set()

    def do_save(self) -> None:
        """Writes what is listed to a file."""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._save(name.strip(), tuple(self._found)), exit_on_error=False)

        hint = line("A file name ending in .jsonl or .csv, in the workspace or anywhere.")
        self.app.push_screen(AskDialog("Export what is listed to", (hint,), "compared.jsonl"), answered)

    async def _save(self, name: str, found: tuple[Compared, ...]) -> None:
        def do(_: Report, __: Stop) -> str:
            return write_rows(self.session.workspace, name, map(compared_as_data, found))

        said = await self.lockgate.operator.attempt(f"Export to {name}", do)
        if said is not None:
            self.lockgate.say(said)

    def selected_id(self) -> str | None:
        """The request's id, or the question."""
        one = self._one
        return (one.asked.request_id or one.asked.question) if one else None

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the pair."""
        one, pair = self._one, f"{self._first or 'rN'} {self._second or 'rM'}"
        request = one.asked.request_id if one else None
        return (
            f'lockgate compare {pair} --input "…"',
            f"lockgate compare {pair} --last {NEWEST}",
            *((f"lockgate compare {pair} --request {request}",) if request else ()),
        )
