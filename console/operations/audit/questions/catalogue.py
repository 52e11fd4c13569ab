"""The questions by name: what the commands and the console's History offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.operations.audit.questions.answer import Answer, Asked
from console.operations.audit.questions.approvals import unapproved
from console.operations.audit.questions.changes import changes
from console.operations.audit.questions.emergencies import emergencies
from console.operations.audit.questions.past import Past
from console.operations.audit.questions.people import people
from console.operations.audit.questions.ran import ran
from console.operations.audit.questions.recheck import recheck
from console.operations.audit.questions.retention import retention
from console.operations.audit.questions.rollbacks import rollbacks
from console.operations.audit.questions.uses import uses


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    name: str
    """The command: `lockgate audit NAME`."""
    text: str
    """The question in words."""
    answer: Callable[[Past, Asked], Answer]
    what: str = ""
    """The name of its argument, where it has one."""


QUESTIONS = (
    Question("changes", "every change in a period, counted against the commits", changes),
    Question("ran", "what ran at an instant", ran),
    Question("unapproved", "changes that nobody else approved, or that somebody overrode", unapproved),
    Question("emergencies", "overrides and broken glass, and how long until somebody reviewed", emergencies),
    Question("rollbacks", "rollbacks, why, and how long users had what was taken back", rollbacks),
    Question("uses", "where a version (data set, judge, model, index …) was used", uses, "KIND/NAME[@vN]"),
    Question("people", "who had a right, and when that changed", people, "RIGHT"),
    Question("retention", "what was done to keep index versions or let them go", retention),
    Question("recheck", "whether evidence still fits what it was about", recheck),
)
"""Three more are commands of their own: `evidence`, `verify` and `export`."""
