"""What the keys of the Rollout screen do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.actions import Action
from console.operations import note, rollback
from console.operations.plan import Plan
from console.operations.rollout import verbs
from console.screens.ask import AskDialog
from console.screens.metric import MetricPanel
from console.screens.operate import Intent
from console.views.line import line
from console.views.metric import metric_lines
from console.views.rollout import findings_of
from console.widgets.table import TableView
from store.records.rollout import Rollout
from store.rules.rollout import approved
from store.text import one_line

if TYPE_CHECKING:
    from console.screens.rollout import RolloutScreen

_MOVES = ("advance", "pause", "abort", "approve")


class RolloutKeys:
    """The actions of one rollout screen."""

    def __init__(self, screen: RolloutScreen) -> None:
        self._screen = screen
        self._app = screen.lockgate
        self._workspace = screen.session.workspace

    @property
    def _rollout(self) -> Rollout | None:
        scene = self._screen.scene
        return scene.status.rollout if scene is not None and scene.status is not None else None

    @property
    def _environment(self) -> str:
        return str(self._screen.environment)

    @property
    def release(self) -> str | None:
        """The canary's."""
        return self._rollout.release if self._rollout is not None else None

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot be done now."""
        rollout, view = self._rollout, self._screen.view
        if action.id == "shell":
            return None
        if action.id == "other":
            several = view is not None and len(view.environments) > 1
            return None if several else "No other environment has had a rollout."
        if action.id == "shadow":
            return None if self._shadowable else "No environment serves anything yet."
        if rollout is None:
            return "No rollout has begun: `p` on Overview promotes."
        if action.id == "metric":
            return None if self._metric else "Nothing is measured yet."
        if action.id in _MOVES and not rollout.active:
            return f"The rollout of {rollout.release} is {rollout.state}; nothing moves it any more."
        return _why_not_moved(action.id, rollout)

    @property
    def _shadowable(self) -> str | None:
        """The environment whose shadow is shown: the one on the screen, else the last that serves."""
        world = self._screen.session.world
        serving = [one.name for one in world.snapshot.environments() if one.stable] if world else []
        return self._screen.environment or next(reversed(serving), None)

    def do_shadow(self) -> None:
        """What answers for the log only."""
        from console.screens.shadow import ShadowScreen

        environment = self._shadowable
        if environment is not None:
            self._app.push_screen(ShadowScreen(self._screen.session, environment))

    @property
    def _metric(self) -> str | None:
        return self._screen.query_one("#metrics", TableView).key

    def do_metric(self) -> None:
        """All that is known of the metric under the cursor."""
        scene, metric = self._screen.scene, self._metric
        if scene is None or metric is None:
            return
        finding = next((one for one in findings_of(scene) if one.metric == metric), None)
        if finding is not None:
            lines = metric_lines(scene, finding)
            self._app.push_screen(MetricPanel(self._screen.session, self._environment, finding, lines))

    def do_other(self) -> None:
        """The next environment that has, or had, a rollout."""
        view = self._screen.view
        if view is not None and view.environments:
            place = view.environments.index(self._environment) if view.environment else -1
            self._screen.aim(view.environments[(place + 1) % len(view.environments)])

    def do_advance(self) -> None:
        """The next step now."""
        environment = self._environment
        self._begin(
            lambda reason: verbs.advance(self._workspace, environment, override=reason), overridable=True
        )

    def do_pause(self) -> None:
        """Stops it, or lets it go on."""
        verb = verbs.resume if self._rollout and self._rollout.state == "paused" else verbs.pause
        environment = self._environment
        self._begin(lambda _: verb(self._workspace, environment))

    def do_abort(self) -> None:
        """Ends it."""
        environment = self._environment
        self._begin(lambda _: verbs.abort(self._workspace, environment))

    def do_approve(self) -> None:
        """Says yes to the next step."""
        environment = self._environment
        self._begin(lambda _: verbs.approve(self._workspace, environment))

    def do_take_back(self) -> None:
        """Everybody to stable; the release is rejected."""
        environment = self._environment
        self._begin(lambda _: rollback.plan(self._workspace, environment))

    def do_rollout_note(self) -> None:
        """A remark on what moved it last."""
        scene = self._screen.scene
        if scene is None or not scene.records:
            return
        record = scene.records[0]

        def answered(text: str | None) -> None:
            if text is not None:
                intent = Intent(lambda _: note.plan(self._workspace, record.id, text), asked=True)
                self._app.operator.begin(intent)

        said = (line(one_line(record.summary, 300)),)
        self._app.push_screen(AskDialog("Note on what moved the rollout last", said), answered)

    def shell_lines(self) -> tuple[str, ...]:
        """Commands for the rollout that is shown."""
        rollout, environment = self._rollout, self._environment
        if rollout is None:
            return ("lockgate promote rN --to ENV -m WHY",)
        moves = ("advance", "pause", "resume", "approve", "abort") if rollout.active else ()
        return (
            f"lockgate rollout status --env {environment}",
            *(f"lockgate rollout {verb} --env {environment} -m WHY" for verb in moves),
            f"lockgate rollback --env {environment} -m WHY",
            f"lockgate why USER --env {environment}",
            "lockgate watch",
        )

    def _begin(self, make: Callable[[str | None], Plan], *, overridable: bool = False) -> None:
        self._app.operator.begin(Intent(make, overridable=overridable))


def _why_not_moved(id: str, rollout: Rollout) -> str | None:
    if id == "approve":
        following = rollout.following
        if following is None or not following.approval:
            return "The next step wants no approval."
        return "The next step is approved already." if approved(rollout) else None
    if id == "advance" and rollout.following is None:
        return "It is in its last step."
    if id == "pause" and rollout.state in ("pending", "awaiting approval"):
        return f"It is {rollout.state}: nothing moves that could be stopped."
    return None
