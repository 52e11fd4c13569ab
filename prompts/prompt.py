"""A prompt version, as it is read from its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from store.bounded import decode_text, parse_json, read_toml, validate
from store.errors import InputError
from store.records.base import Strict
from store.records.versions import PromptInfo, Scalar, Variable
from store.text import one_line

SYSTEM = "system.md"
FEW_SHOT = "few_shot_examples.json"
INFO = "prompt.toml"
BUILT_IN = ("context", "question")
"""Variables that the pipeline fills: the passages that were found, and what the user asks."""
_FEW_SHOT_LIMIT = 1024 * 1024
_EXAMPLES = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One turn shown to the model before the user's own."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt version."""

    system: str
    """The template, with `{{name}}` where a variable goes."""
    few_shot: tuple[Example, ...] = ()
    info: PromptInfo = field(default_factory=PromptInfo)

    def variable(self, name: str) -> Variable | None:
        """The declared variable called `name`, or None."""
        return next((one for one in self.info.variables if one.name == name), None)


class _UserAssistant(Strict):
    user: str = Field(min_length=1)
    assistant: str = Field(min_length=1)


class _InputOutput(Strict):
    input: str = Field(min_length=1)
    output: str = Field(min_length=1)


def parse_prompt(files: Mapping[str, bytes], where: str) -> Prompt:
    """A prompt from its files, by name. `where` names the prompt in messages.

    `system.md` is required; `few_shot_examples.json` (a list of {user, assistant} or
    {input, output}) and `prompt.toml` are not. Raises InputError.
    """
    for name in sorted(files):
        if name not in (SYSTEM, FEW_SHOT, INFO):
            raise InputError(
                f"{where}: {one_line(name, 80)!r} is not part of a prompt; "
                f"it may hold {SYSTEM}, {FEW_SHOT} and {INFO}."
            )
    if SYSTEM not in files:
        raise InputError(f"{where} has no {SYSTEM}: write the instructions for the model there.")
    system = _text(files[SYSTEM], f"{where}/{SYSTEM}")
    if not system.strip():
        raise InputError(f"{where}/{SYSTEM} is empty: write the instructions for the model there.")
    examples = _examples(files[FEW_SHOT], f"{where}/{FEW_SHOT}") if FEW_SHOT in files else ()
    info = _info(files[INFO], f"{where}/{INFO}") if INFO in files else PromptInfo()
    return Prompt(system, examples, info)


def fits(variable: Variable, value: object) -> bool:
    """Whether `value` has the type that `variable` was declared with. True is no integer."""
    match variable.type:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(data: bytes, where: str) -> str:
    return decode_text(data, where).removeprefix("\ufeff").replace("\r\n", "\n").rstrip("\n")


def _examples(data: bytes, where: str) -> tuple[Example, ...]:
    entries = parse_json(data, where, _FEW_SHOT_LIMIT)
    if not isinstance(entries, list):
        raise InputError(f'{where} is not a list: write [{{"user": …, "assistant": …}}, …].')
    if len(entries) > _EXAMPLES:
        raise InputError(f"{where} has {len(entries):,} examples; at most {_EXAMPLES} are taken.")
    return tuple(_example(entry, f"{where}, example {number}") for number, entry in enumerate(entries, 1))


def _example(entry: object, where: str) -> Example:
    if not isinstance(entry, dict):
        raise InputError(f"{where} is not an object with the keys user and assistant.")
    if "input" in entry or "output" in entry:
        pair = validate(_InputOutput, entry, where)
        return Example(pair.input, pair.output)
    turn = validate(_UserAssistant, entry, where)
    return Example(turn.user, turn.assistant)


def _info(data: bytes, where: str) -> PromptInfo:
    info = read_toml(PromptInfo, data, where)
    seen: set[str] = set()
    for variable in info.variables:
        if variable.name in seen:
            raise InputError(f"{where}: the variable {variable.name!r} is declared twice.")
        seen.add(variable.name)
        if variable.name in BUILT_IN and variable.type != "string":
            raise InputError(f"{where}: {variable.name!r} is filled by Lockgate and is a string.")
        default: Scalar | None = variable.default
        if default is not None and not fits(variable, default):
            raise InputError(
                f"{where}: the default of {variable.name!r} is not of its type, {variable.type}."
            )
    return info
