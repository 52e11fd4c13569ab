"""Making a test of a bad answer: a short form, then the plan of the suite's next version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from console.operations.evals import drafting
from console.operations.evals.drafting import CaseDraft, id_for, understood
from console.screens.dialog import Dialog
from console.screens.operate import Intent
from console.views.line import HANG, Line, line, muted
from console.widgets.content import flat, key_hints, literal, paragraphs
from evals.suite import Suite
from store.errors import InputError
from store.progress import Report, Stop
from store.records.policy import Tier
from store.text import one_line

if TYPE_CHECKING:
    from console.app import LockgateApp
    from evals.case import Input as CaseInput

_FIELDS = (("id", "id"), ("category", "category"), ("expects", "a good answer"))


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """What somebody makes a test of. Foreign text."""

    suite: str
    """`evals/name`."""
    input: CaseInput
    question: str
    answer: str
    about: str
    """Where it was seen, in half a sentence."""
    name: str = ""
    """What the id begins with; the question's first words where it is empty."""
    category: str = ""
    expects: str = ""
    """What a good answer is, as far as it is known."""
    tier: Tier = "full"


async def draft_case(app: LockgateApp, bad: BadAnswer) -> None:
    """Asks what is still missing, then shows the plan: nothing is written before that is confirmed."""
    workspace = app.session.workspace

    def look(_: Report, __: Stop) -> Suite:
        return drafting.suite_of(workspace, bad.suite)

    suite = await app.operator.attempt(f"Reading {bad.suite}", look)
    if suite is None:
        return
    draft = await app.push_screen_wait(DraftDialog(bad, suite))
    if draft is not None:
        why = f"this became a test: {one_line(bad.question, 80)}"
        app.operator.begin(Intent(lambda _: drafting.plan(workspace, draft), why=why))


class DraftDialog(Dialog[CaseDraft | None]):
    """Answers with the draft once every field can be read."""

    def __init__(self, bad: BadAnswer, suite: Suite) -> None:
        super().__init__()
        self._bad = bad
        self._ids = frozenset(case.id for case in suite.cases)
        self._categories = tuple(policy.name for policy in suite.info.categories)

    def compose(self) -> ComposeResult:
        """The answer, and three fields that are filled in as far as possible."""
        bad = self._bad
        values = {
            "id": id_for(bad.name or bad.question, self._ids),
            "category": bad.category or self._categories[0],
            "expects": bad.expects,
        }
        with Vertical(classes="box -close"):
            yield Static(literal(f"A test for {bad.suite}, from {bad.about}"), classes="head")
            yield Static(paragraphs(self._said()), classes="said")
            for name, label in _FIELDS:
                with Horizontal(classes="field"):
                    yield Static(flat(line(label)), classes="label")
                    yield Input(value=values[name], id=name, select_on_focus=False)
            yield Static("", classes="status", markup=False)
            yield Static(key_hints(("⏎", "show the plan"), ("Tab", "next"), ("Esc", "back")), classes="keys")

    def ready(self) -> None:
        """What a good answer is, is what only the person knows."""
        field = self.query_one("#expects", Input)
        field.focus()
        field.cursor_position = len(field.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in any field."""
        event.stop()
        try:
            self.dismiss(self._draft())
        except InputError as error:
            self.query_one(".status", Static).update(literal(error.message))

    def _draft(self) -> CaseDraft:
        """What was filled in. Raises InputError for the first field that cannot be used, and goes there."""
        id, category, expects = (self.query_one(f"#{name}", Input).value.strip() for name, _ in _FIELDS)
        for name, trouble in self._troubles(id, category, expects):
            self.query_one(f"#{name}", Input).focus()
            raise InputError(trouble)
        bad = self._bad
        return CaseDraft(bad.suite, id, bad.input, category, expects, bad.about, bad.tier)

    def _troubles(self, id: str, category: str, expects: str) -> Iterator[tuple[str, str]]:
        if not id or id in self._ids:
            yield (
                "id",
                f"the suite has a case {one_line(id, 40)!r} already." if id else "the case needs an id.",
            )
        if category not in self._categories:
            known = ", ".join(one_line(one, 40) for one in self._categories[:8])
            yield "category", f"the suite has no category {one_line(category, 40)!r}; it has {known}."
        try:
            understood(expects)
        except InputError as error:
            yield "expects", error.message

    def _said(self) -> tuple[Line, ...]:
        bad = self._bad
        return (
            line(muted("asked     "), HANG, one_line(bad.question, 300)),
            line(muted("answered  "), HANG, one_line(bad.answer, 300) or "nothing"),
            line(muted("The case is must_pass. Write a grader and a text, such as: contains 30 days")),
        )
