"""How every change goes through the console: plan, dialog, apply, word about it.

The flow belongs to the app, not to a screen: a screen that goes away takes no write with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from console.operations.apply import Applied, StalePlan, apply
from console.operations.plan import Plan, Risk
from console.operations.rights import with_rights
from console.screens.message import MessagePanel
from console.screens.plan_dialog import PlanDialog
from console.screens.progress import ProgressPanel
from console.views.line import Part, line
from console.views.trouble import trouble_lines
from store.errors import Cancelled
from store.progress import Report, Stop
from store.text import one_line

if TYPE_CHECKING:
    from console.app import LockgateApp

T = TypeVar("T")

PATIENCE_SECONDS = 0.25
"""Work that is done sooner needs no panel."""
_MOVED = "The store changed meanwhile. This is the plan as it is now: look at it and decide again."


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that somebody wants."""

    make: Callable[[str | None], Plan]
    """Computes the plan; the argument is the reason for an override, or None. Runs in a thread."""
    why: str = ""
    """What the note begins with."""
    overridable: bool = False
    """Whether `make` takes a reason."""
    after: Callable[[], object] | None = None
    """What follows once it is done, in the same thread."""
    asked: bool = False
    """True where the person has said everything already: a harmless plan is then applied at once."""


class Operator:
    """Carries out one intent after the other."""

    def __init__(self, app: LockgateApp) -> None:
        self._app = app
        self._session = app.session
        self._busy = False

    def begin(self, intent: Intent) -> None:
        """Starts the flow; says so when another change is on its way."""
        if self._busy:
            self._app.say("Another change is on its way; wait for it.", severity="warning")
            return
        self._app.run_worker(self._guarded(intent), group="operate", exit_on_error=False)

    async def _guarded(self, intent: Intent) -> None:
        self._busy = True
        try:
            await self._flow(intent)
        finally:
            self._busy = False

    async def _flow(self, intent: Intent) -> None:
        why, notice = intent.why, ""
        plan = await self.attempt("Looking at what this would do", self._making(intent, None))
        while plan is not None:
            harmless = plan.risk is Risk.REVERSIBLE and not plan.unmet and not plan.note_required
            if not (intent.asked and harmless):
                dialog = PlanDialog(plan, why=why, notice=notice, overridable=intent.overridable)
                decision = await self._app.push_screen_wait(dialog)
                if decision is None:
                    return
                why, notice = decision.why or why, ""
                if decision.override is not None:
                    plan = await self.attempt("Looking again", self._making(intent, decision.override))
                    continue
            plan = await self._apply(plan, why, intent.after)
            notice = _MOVED

    def _making(self, intent: Intent, reason: str | None) -> Callable[[Report, Stop], Plan]:
        def make(_: Report, __: Stop) -> Plan:
            return with_rights(self._session.workspace, intent.make(reason))

        return make

    async def _apply(self, plan: Plan, why: str, after: Callable[[], object] | None) -> Plan | None:
        """Applies `plan`; returns a new plan to look at when the store moved, else None."""

        def do(report: Report, _: Stop) -> Applied | Plan:
            try:
                done = apply(self._session.workspace, plan, why, report=report)
            except StalePlan as stale:
                return stale.plan
            if after is not None:
                after()
            return done

        with self._session.doing(plan.title):
            done = await self.attempt(plan.title, do)
        if isinstance(done, Plan):
            return done
        if done is not None:
            self._app.say(f"{done.record.summary}", title="Done")
            if done.problems:
                lines = [line(Part("! ", "warn"), problem) for problem in done.problems]
                self._app.push_screen(MessagePanel("Done, but this machine could not follow", lines))
            self._app.look_again()
        return None

    async def attempt(
        self, what: str, do: Callable[[Report, Stop], T], *, stoppable: bool = False
    ) -> T | None:
        """The result of `do` in a working thread, with a panel when it takes long; None when it failed.

        What failed is shown and stays until it is dismissed.
        """
        panel = ProgressPanel(what, stoppable=stoppable)
        session = self._session
        task = asyncio.ensure_future(session.work(do, panel.report, lambda: panel.stop() or session.closed))
        try:
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            if not task.done():
                await self._while_shown(panel, task)
            return task.result()
        except Cancelled as stopped:
            self._app.say(stopped.message)
        except Exception as error:
            self._app.push_screen(MessagePanel(one_line(f"{what}: not done", 120), trouble_lines(error)))
        return None

    async def _while_shown(self, panel: ProgressPanel, task: Awaitable[T]) -> None:
        await self._app.push_screen(panel)
        await asyncio.wait({asyncio.ensure_future(task)})
        panel.finish()
