"""A captured request in the terms of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from evals.case import Case, Input
from evals.live.grading import ANY
from prompts.render import Message
from store.errors import InputError


def asked(given: Input) -> tuple[str, Mapping[str, object], list[Message]]:
    """Question, variables and earlier turns, as `Pipeline.ask` wants them. Raises InputError."""
    if isinstance(given, tuple):
        turns: list[Message] = [{"role": turn.role, "content": turn.content} for turn in given]
        if turns[-1]["role"] != "user":
            raise InputError("a conversation has to end with the user's turn.")
        return turns[-1]["content"], {}, turns[:-1]
    case = Case(id="live", input=given, expect=(ANY,), category="live")
    return case.question, given if isinstance(given, dict) else {}, []
