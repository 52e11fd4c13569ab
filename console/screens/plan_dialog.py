"""The dialog before every change: what it does, every condition, the note, and a typed name in production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from console.operations.conditions import BreakGlass
from console.operations.plan import Plan
from console.screens.dialog import Dialog
from console.views.line import Part, line, muted
from console.views.plan import can_break, can_override, missing, plan_lines
from console.widgets.content import flat, key_hints, literal
from console.widgets.pane import Pane


@dataclass(frozen=True, slots=True)
class Decision:
    """What the person decided."""

    why: str
    override: str | None = None
    """A reason to go ahead although conditions are not met: the plan has to be made again with it."""


class PlanDialog(Dialog[Decision | None]):
    """Shows a plan. Enter goes ahead once everything that is wanted was typed; nothing is preselected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "up", show=False),
        Binding("down", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-8)", "up", show=False),
        Binding("pagedown", "scroll(8)", "down", show=False),
        Binding("enter", "go", "go", show=False),
    ]

    def __init__(self, plan: Plan, *, why: str = "", notice: str = "", overridable: bool = False) -> None:
        super().__init__()
        self.plan = plan
        self._why = why
        self._notice = notice
        self._breakable = overridable and can_break(plan)
        self._overridable = self._breakable or (overridable and can_override(plan))

    def compose(self) -> ComposeResult:
        """Plan above, fields below."""
        plan = self.plan
        with Vertical(classes="box -close"):
            yield Static(literal(plan.title), classes="head")
            pane = Pane(id="plan")
            pane.show(plan_lines(plan))
            yield pane
            yield Static(literal(self._notice), classes="status")
            if self._overridable:
                how = "break the glass: " if self._breakable else "override: "
                yield from _field("override", line(how, muted("why it goes ahead")), "")
            elif not plan.unmet:
                wanted = muted("wanted") if plan.note_required else muted("optional")
                yield from _field("why", line("why ", wanted), self._why)
                if plan.confirm is not None:
                    yield from _field("confirm", line("type ", Part(plan.confirm, "strong")), "")
            yield Static(self._keys(), classes="keys")

    def ready(self) -> None:
        """The first field that is still empty takes the keys; without fields the plan can be scrolled."""
        inputs = list(self.query(Input))
        if inputs:
            first = next((one for one in inputs if not one.value), inputs[0])
            first.focus()
        else:
            self.query_one(Pane).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        event.stop()
        self.action_go()

    def action_go(self) -> None:
        """Goes ahead, or says what is still missing and moves there."""
        if self._overridable:
            reason = self._value("override").strip()
            if reason:
                self.dismiss(Decision(self._why, BreakGlass(reason) if self._breakable else reason))
            else:
                self._say("Some conditions are not met. Say why it goes ahead all the same, or Esc.")
            return
        lack = missing(self.plan, self._value("why"), self._value("confirm"))
        if lack is None:
            self.dismiss(Decision(self._value("why").strip()))
            return
        self._say(lack.text)
        if lack.field is not None:
            self.query_one(f"#{lack.field}", Input).focus()

    def action_scroll(self, by: int) -> None:
        """Moves the plan."""
        self.query_one(Pane).scroll_relative(y=by, animate=False)

    def _value(self, id: str) -> str:
        found = self.query(f"#{id}")
        return found.first(Input).value if found else ""

    def _say(self, text: str) -> None:
        self.query_one(".status", Static).update(literal(text))

    def _keys(self) -> Content:
        if self._overridable:
            return key_hints(
                ("⏎", "break the glass" if self._breakable else "override"), ("↑↓", "read"), ("Esc", "back")
            )
        if self.plan.unmet:
            return key_hints(("↑↓", "read"), ("Esc", "back"))
        return key_hints(("⏎", "go ahead"), ("↑↓", "read"), ("Esc", "back"))


def _field(id: str, label: tuple[Part, ...], value: str) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Static(flat(label), classes="label")
        yield Input(value=value, id=id, select_on_focus=False)
