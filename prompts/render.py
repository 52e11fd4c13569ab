"""From a prompt and values to the messages that a model is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from prompts.prompt import BUILT_IN, Prompt, fits
from store.errors import InputError

PLACEHOLDER = re.compile(r"\{\{[ \t]*([a-zA-Z_][a-zA-Z0-9_]{0,63})[ \t]*\}\}")
"""`{{name}}`, with or without blanks inside. Nothing else is special."""

Message = dict[str, str]
"""{"role": system|user|assistant, "content": text}"""


def placeholders(template: str) -> tuple[str, ...]:
    """The names used in `template`, each once, in order."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(template)))


def render(prompt: Prompt, variables: Mapping[str, object], history: Sequence[Message] = ()) -> list[Message]:
    """The messages for one request: instructions, examples, `history`, the user's turn.

    `variables` holds the built-in `context` and `question` beside the declared ones; values that
    the prompt does not declare are left out. A value is inserted as it is: `{{…}}` in it stays text.

    A built-in that the template places goes there; what it does not place makes the user's turn,
    context first. A template that places the question is itself the user's turn.
    Raises InputError for a missing or mistyped value and for a name that nobody declared.
    """
    used = placeholders(prompt.system)
    values = {name: _value(prompt, name, variables) for name in used}
    text = PLACEHOLDER.sub(lambda match: values[match[1]], prompt.system)
    examples = [
        message
        for example in prompt.few_shot
        for message in (
            {"role": "user", "content": example.user},
            {"role": "assistant", "content": example.assistant},
        )
    ]
    turn = [str(variables[name]) for name in BUILT_IN if name not in used and variables.get(name)]
    if "question" in used:
        return [*examples, *history, {"role": "user", "content": "\n\n".join([*turn, text])}]
    if not turn:
        raise InputError("there is no question to ask: give `question` a value.")
    system = {"role": "system", "content": text}
    return [system, *examples, *history, {"role": "user", "content": "\n\n".join(turn)}]


def _value(prompt: Prompt, name: str, variables: Mapping[str, object]) -> str:
    declared = prompt.variable(name)
    if name in BUILT_IN:
        value = variables.get(name)
        return "" if value is None else str(value)
    if declared is None:
        raise InputError(
            f"the prompt uses {{{{{name}}}}}, which prompt.toml does not declare: add it to [[variables]]."
        )
    value = variables.get(name)
    if value is None:
        value = declared.default
    if value is None:
        if declared.required:
            raise InputError(f"the prompt's variable {name!r} has no value: give it one, or a default.")
        return ""
    if not fits(declared, value):
        raise InputError(
            f"the prompt's variable {name!r} is to be {_a(declared.type)}, not {_a(_name(value))}."
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), type(value).__name__)


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
