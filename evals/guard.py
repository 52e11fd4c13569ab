"""Guardrails: what may go in and what may come out.

A rule that cannot be evaluated never lets anything pass: its time limit is an error of the
machinery, and an answer that meets it counts as failed, not as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evals.graders.killable import check_pattern, search
from evals.pii import find_pii
from store.errors import InputError, MachineryError
from store.records.versions import Guardrail, Rules

SECONDS = 1.0
"""How long one pattern may look at one text."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A guardrail said no."""

    where: Literal["input", "output"]
    rule: str
    """Which rule, in words: "input deny 2", "output pii email"."""
    text: str
    """What the user is told."""


def check_input(guardrail: Guardrail, text: str, seconds: float = SECONDS) -> Refusal | None:
    """The rule that refuses what a user wrote, or None. Raises MachineryError."""
    return _check(guardrail, guardrail.input, "input", text, seconds)


def check_output(guardrail: Guardrail, text: str, seconds: float = SECONDS) -> Refusal | None:
    """The rule that refuses what a model wrote, or None. Raises MachineryError."""
    return _check(guardrail, guardrail.output, "output", text, seconds)


def validate_guardrail(guardrail: Guardrail, where: str) -> None:
    """Refuses a guardrail whose rules cannot work. Raises InputError naming `where` and the rule."""
    for side, rules in (("input", guardrail.input), ("output", guardrail.output)):
        for name, patterns in (("deny", rules.deny), ("require", rules.require)):
            for number, pattern in enumerate(patterns, 1):
                _validate(pattern, f"{where}: {side}.{name}, pattern {number}")
    if not guardrail.refusal.strip():
        raise InputError(f"{where}: refusal is empty: write what the user is told instead.")


def _validate(pattern: str, where: str) -> None:
    try:
        check_pattern(pattern)
        empty = not pattern or search(pattern, "")
    except (InputError, MachineryError) as error:
        raise InputError(f"{where}: {error.message}") from None
    if empty:
        raise InputError(f"{where} is found in an empty text, so it says nothing: make it more specific.")


def _check(
    guardrail: Guardrail, rules: Rules, where: Literal["input", "output"], text: str, seconds: float
) -> Refusal | None:
    rule = _broken(rules, text, seconds)
    return None if rule is None else Refusal(where, f"{where} {rule}", guardrail.refusal)


def _broken(rules: Rules, text: str, seconds: float) -> str | None:
    if rules.max_characters is not None and len(text) > rules.max_characters:
        return "max_characters"
    for kind in rules.pii:
        if find_pii(kind, text):
            return f"pii {kind}"
    for number, pattern in enumerate(rules.deny, 1):
        if search(pattern, text, seconds):
            return f"deny {number}"
    for number, pattern in enumerate(rules.require, 1):
        if not search(pattern, text, seconds):
            return f"require {number}"
    return None
