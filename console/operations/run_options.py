"""How evals are run this time: what they may use up, and whether everything is asked anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.running.budget import Purse


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person asks of one go. A limit that is not given is the settings'."""

    fresh: bool = False
    """Whether no answer that is kept is used."""
    max_usd: float | None = None
    max_tokens: int | None = None
    max_minutes: float | None = None

    def purse(self, workspace: Workspace) -> Purse:
        """What counts against the limits, from now on."""
        from evals.running.budget import Budget, Purse

        usual = workspace.settings.eval_budget
        budget = Budget(
            max_usd=usual.max_usd if self.max_usd is None else self.max_usd,
            max_tokens=usual.max_tokens if self.max_tokens is None else self.max_tokens,
            max_minutes=usual.max_minutes if self.max_minutes is None else self.max_minutes,
        )
        return Purse(budget, workspace.clock)


USUAL = RunOptions()
"""As the settings have it."""
