"""From the Compare screen to a test: which suite it is for, then the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.operations.compare import Compared
from console.screens.choose import ChooseDialog
from console.screens.draft_case import BadAnswer, draft_case
from console.views.evals import suite_choices
from store.records.component import Kind

if TYPE_CHECKING:
    from console.app import LockgateApp


async def make_test(app: LockgateApp, one: Compared) -> None:
    """Drafts a case of the question of `one` and the answer of its second release."""
    world = app.session.world
    suites = world.snapshot.components(Kind.EVALS) if world is not None else ()
    if not suites:
        app.say("There is no eval suite yet: `lockgate add evals` adds one.", severity="warning")
        return
    suite: str | None = str(suites[0])
    if len(suites) > 1:
        suite = await app.push_screen_wait(ChooseDialog("A test for", suite_choices(suites)))
    if suite is None:
        return
    side = one.second
    bad = BadAnswer(
        suite=suite,
        input=one.asked.input,
        question=one.asked.question,
        answer=side.answer.text or side.answer.error or "",
        about=f"an answer of {side.release}",
        expects="contains ",
    )
    await draft_case(app, bad)
