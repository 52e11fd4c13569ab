"""Labelling: one answer after the other, one key each; the judge's own mark shows only afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.actions import Action
from console.operations.evals import labelling
from console.operations.evals.labelling import Desk
from console.operations.evals.to_label import ToLabel
from console.screens.message import MessagePanel
from console.screens.operate import Intent
from console.screens.place import STILL_READING, PlaceScreen, bindings_of
from console.screens.session import Session
from console.views.label import empty_lines, item_lines, said_line, standing_lines, wanted_keys
from console.views.trouble import trouble_lines
from console.views.world import World
from console.widgets.content import flat, paragraphs
from console.widgets.frame import KeyHint, KeyLine
from console.widgets.pane import Pane
from store.records.component import Component

POINTS = ("1", "2", "3", "4", "5")


class LabelScreen(PlaceScreen):
    """On top of the Evals screen; Esc goes back. What was said is kept at once."""

    place = "label"
    CSS_PATH = "label.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("label"),
        *(Binding(key, f"points({key})", key, show=False) for key in POINTS),
        Binding("escape", "back", "back", show=False),
    ]
    AUTO_FOCUS = "#answer"

    def __init__(self, session: Session, suite: Component) -> None:
        super().__init__(session)
        self._suite = suite
        self._desk: Desk | None = None
        self._place = 0
        self._busy = False

    def body(self) -> Iterable[Widget]:
        """How it stands, what was said last, the answer."""
        yield Static("", id="standing", markup=False)
        yield Static("", id="said", markup=False)
        yield Pane(id="answer")

    def draw(self, world: World) -> None:
        """Reads what there is to label, in the reading thread; anew when the suite has another version."""
        if self._desk is None or world.snapshot.newest(self._suite) != self._desk.pin:
            self.load(lambda: labelling.desk(self.session.workspace, self._suite), self._read)

    def _read(self, desk: Desk) -> None:
        before = self._item
        self._desk = desk
        self._place = next((i for i, one in enumerate(desk.queue) if before and one.key == before.key), 0)
        if before is None:
            self._to_unsaid()
        self._show()

    @property
    def _item(self) -> ToLabel | None:
        desk = self._desk
        return desk.queue[self._place] if desk is not None and self._place < len(desk.queue) else None

    def _to_unsaid(self) -> None:
        """To the first answer that this person has said nothing of, from the top; else stays."""
        desk = self._desk
        if desk is not None:
            unsaid = (i for i, one in enumerate(desk.queue) if desk.mine(one) is None)
            self._place = next(unsaid, self._place)

    def _show(self) -> None:
        desk, one = self._desk, self._item
        if desk is None:
            return
        self.query_one("#standing", Static).update(paragraphs(standing_lines(desk)))
        lines = item_lines(one, desk, self._place + 1) if one is not None else empty_lines(desk)
        self.query_one("#answer", Pane).show(lines)
        self.refresh_keys()

    # -- labelling ----------------------------------------------------------------------------

    def action_points(self, points: int) -> None:
        """1 to 5."""
        self._say(points)

    def do_yes(self) -> None:
        """The answer fulfils the rubric."""
        self._say(True)

    def do_no(self) -> None:
        """It does not."""
        self._say(False)

    def _say(self, label: bool | int) -> None:
        one = self._item
        if one is None or self._desk is None or self._busy:
            return
        if isinstance(label, bool) != (one.spec.scale == "boolean"):
            self.lockgate.say(f"This rubric wants {wanted_keys(one.spec)}.", severity="warning")
            return
        self._busy = True
        self.run_worker(self._keep(self._desk, one, label), group="label", exit_on_error=False)

    async def _keep(self, desk: Desk, one: ToLabel, label: bool | int) -> None:
        """Brings the label to the disk, and only then shows the next answer."""
        try:
            self._desk = await self.session.work(labelling.say, self.session.workspace, desk, one, label)
        except Exception as error:  # whatever it is, the person hears of it and may try again
            self.app.push_screen(MessagePanel("The label was not kept", trouble_lines(error)))
            return
        finally:
            self._busy = False
        self.query_one("#said", Static).update(flat(said_line(one, label)))
        self._place = min(self._place + 1, len(desk.queue) - 1)
        self._show()

    # -- keys ---------------------------------------------------------------------------------

    def refresh_keys(self) -> None:
        """The keys that label depend on the rubric's scale."""
        super().refresh_keys()
        one = self._item
        if one is not None and one.spec.scale != "boolean":
            line = self.query_one(KeyLine)
            rest = [hint for hint in line.hints if hint.key not in ("y", "n")]
            line.show([KeyHint(wanted_keys(one.spec), "points"), *rest])

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        if self.session.world is None or self._desk is None:
            return STILL_READING
        if action.id == "land_labels":
            return None if self._desk.waiting else "No label waits to be landed."
        if self._item is None:
            return "There is nothing to label."
        if action.id in ("yes", "no") and self._item.spec.scale != "boolean":
            return f"This rubric wants {wanted_keys(self._item.spec)}."
        if action.id == "forward" and self._place + 1 >= len(self._desk.queue):
            return "This is the last answer."
        if action.id == "backward" and not self._place:
            return "This is the first answer."
        return None

    def do_forward(self) -> None:
        """The next answer, without a label."""
        self._place += 1
        self._show()

    def do_backward(self) -> None:
        """The answer before; another key changes what was said of it."""
        self._place -= 1
        self._show()

    def do_land_labels(self) -> None:
        """Lands what was said in the next version of the suite, after a plan."""
        intent = Intent(lambda _: labelling.plan(self.session.workspace, self._suite))
        self.lockgate.operator.begin(intent)

    def action_back(self) -> None:
        """To the screen below."""
        self.dismiss(None)

    def selected_id(self) -> str | None:
        """The case's id."""
        return self._item.case.id if self._item is not None else None

    def shell_lines(self) -> tuple[str, ...]:
        """The commands that show the suite and land one by hand."""
        return (f"lockgate show {self._suite}", f"lockgate add evals {self._suite.name} --from FOLDER")
