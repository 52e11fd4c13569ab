"""Prompts of other tools as files of ours: Humanloop's `.prompt`, promptfoo's text and message files.

A prompt of ours is instructions, examples and the user's question. What a foreign prompt says besides is
told, never dropped without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prompts.prompt import BUILT_IN
from prompts.render import PLACEHOLDER, placeholders
from store.bounded import TEXT_LIMIT, decode_text, write_toml
from store.errors import InputError
from store.records.versions import PromptInfo, Variable
from store.text import one_line
from store.yaml_text import Row, Table, parse_yaml

ENDINGS = (".prompt", ".txt", ".md", ".json", ".yaml", ".yml")
_FRONT = re.compile(r"---[ \t]*\n([\s\S]*?\n)?---[ \t]*\n?")
_TAG = re.compile(r"[ \t]*<(system|user|assistant)>[ \t]*\n?([\s\S]*?)\n?[ \t]*</\1>[ \t]*(?:\n|\Z)")
_OTHER_TAG = re.compile(r"^[ \t]*<(tool|image|function)\b", re.MULTILINE)
_MORE = re.compile(r"\{%|\{#|\{\{(?![ \t]*[a-zA-Z_][a-zA-Z0-9_]{0,63}[ \t]*\}\})")
_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_ASKS = ("question", "query", "input", "user_input", "user_question", "message", "prompt")
"""Variables that stand for what the user asks, in this order."""
_PARAMETERS = ("temperature", "top_p", "max_tokens", "seed", "stop", "presence_penalty", "frequency_penalty")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a template."""

    role: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """The files of a prompt version, and what of the source they do not hold."""

    files: dict[str, bytes]
    remarks: tuple[str, ...]


def read_foreign(data: bytes, name: str) -> Foreign:
    """The prompt in the file `name`. Raises InputError naming file and line for what it cannot be."""
    ending = "." + name.rpartition(".")[2].lower()
    if ending not in ENDINGS:
        raise InputError(
            f"{one_line(name, 80)} is no prompt that can be read: give a folder with system.md, or a file "
            f"ending in {', '.join(ENDINGS)}."
        )
    remarks: list[str] = []
    if ending == ".prompt":
        turns = _humanloop(decode_text(data, name, TEXT_LIMIT), name, remarks)
    elif ending in (".txt", ".md"):
        turns = _text(decode_text(data, name, TEXT_LIMIT), name)
    else:
        turns = _messages(parse_yaml(data, name, TEXT_LIMIT), name)
    for turn in turns:
        _plain(turn, name)
    return _files(turns, name, remarks)


# -- reading ------------------------------------------------------------------------------------------


def _humanloop(text: str, name: str, remarks: list[str]) -> list[Turn]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    if front is not None:
        _settings(parse_yaml((front[1] or "").encode(), name, TEXT_LIMIT), remarks)
    first = text[: len(text) - len(body)].count("\n") + 1
    other = _OTHER_TAG.search(body)
    if other is not None:
        raise InputError(
            f"{name}, line {first + body[: other.start()].count(chr(10))}: <{other[1]}> is not kept."
        )
    if not _TAG.search(body):
        return [Turn("user", body.strip(), first)]
    turns, at = [], 0
    for found in _TAG.finditer(body):
        _nothing_between(body[at : found.start()], name, first + body[:at].count("\n"))
        content = found[2]
        begin = found.start(2) + len(content) - len(content.lstrip())
        turns.append(Turn(found[1], content.strip(), first + body[:begin].count("\n")))
        at = found.end()
    _nothing_between(body[at:], name, first + body[:at].count("\n"))
    return turns


def _nothing_between(text: str, name: str, line: int) -> None:
    if text.strip():
        line += len(text) - len(text.lstrip("\n"))
        raise InputError(f"{name}, line {line}: there is text outside <system>, <user> and <assistant>.")


def _settings(front: Any, remarks: list[str]) -> None:
    """What the front matter says, as the command that keeps it."""
    if not isinstance(front, Table):
        return
    model, provider = front.get("model"), front.get("provider")
    given = [(key, front[key]) for key in _PARAMETERS if _is_set(front.get(key))]
    if isinstance(model, str):
        sets = "".join(f" --set {key}={json.dumps(value)}" for key, value in given)
        remarks.append(
            "a model is a component of its own: `lockgate add model NAME --provider "
            f"{one_line(str(provider or 'PROVIDER'), 40)} --id {one_line(f'{model}{sets}', 300)}`"
        )
    known = {"model", "provider", "endpoint", *_PARAMETERS}
    lost = sorted(one_line(key, 40) for key, value in front.items() if key not in known and _is_set(value))
    if lost:
        remarks.append(f"not kept of the front matter: {', '.join(lost[:10])}")


def _is_set(value: Any) -> bool:
    """Humanloop writes -1 and empty lists for what is not set."""
    return value not in (None, "", -1, [], {}) and value is not False


def _text(text: str, name: str) -> list[Turn]:
    """One prompt; promptfoo keeps several in a file between lines of `---`."""
    parts = [part for part in _SEPARATOR.split(text.replace("\r\n", "\n")) if part.strip()]
    if len(parts) > 1:
        raise InputError(
            f"{name} holds {len(parts)} prompts, between lines of `---`: save each as a file and add them "
            "one by one."
        )
    return [Turn("user", parts[0].strip(), 1)] if parts else []


def _messages(value: Any, name: str) -> list[Turn]:
    if isinstance(value, str):
        return [Turn("user", value.strip(), 1)]
    if not isinstance(value, Row) or not value:
        raise InputError(f"{name} is no list of messages {{role, content}}.")
    turns = []
    for index, one in enumerate(value):
        line = value.at(index)
        role = one.get("role") if isinstance(one, Table) else None
        content = one.get("content") if isinstance(one, Table) else None
        if role == "developer":
            role = "system"
        if role not in ("system", "user", "assistant") or not isinstance(content, str):
            raise InputError(f"{name}, line {line}: a message is not text of system, user or assistant.")
        turns.append(Turn(str(role), content.strip(), line))
    return turns


def _plain(turn: Turn, name: str) -> None:
    found = _MORE.search(turn.text)
    if found is not None:
        line = turn.line + turn.text[: found.start()].count("\n")
        shown = one_line(turn.text[found.start() : found.start() + 40], 40)
        raise InputError(f"{name}, line {line}: {shown!r} is more than a plain {{{{name}}}}; write it out.")


# -- turning ------------------------------------------------------------------------------------------


def _files(turns: Sequence[Turn], name: str, remarks: list[str]) -> Foreign:
    if not any(turn.text for turn in turns):
        raise InputError(f"{name} is empty.")
    system = "\n\n".join(turn.text for turn in turns if turn.role == "system" and turn.text)
    spoken = [turn for turn in turns if turn.role != "system"]
    last = spoken.pop() if spoken and spoken[-1].role == "user" else None
    examples = list(_examples(spoken, name))
    text = _with_question(system, last.text if last else "", remarks)
    files = {"system.md": (text + "\n").encode()}
    if examples:
        files["few_shot_examples.json"] = (json.dumps(examples, ensure_ascii=False, indent=2) + "\n").encode()
    variables = tuple(Variable(name=one) for one in placeholders(text) if one not in BUILT_IN)
    if variables:
        files["prompt.toml"] = write_toml(PromptInfo(variables=variables))
    return Foreign(files, tuple(remarks))


def _examples(spoken: Sequence[Turn], name: str) -> Iterator[dict[str, str]]:
    """Turns before the last, which have to be pairs."""
    for place in range(0, len(spoken), 2):
        pair = spoken[place : place + 2]
        if [one.role for one in pair] != ["user", "assistant"]:
            raise InputError(
                f"{name}, line {pair[0].line}: examples are pairs of a user and an assistant turn."
            )
        yield {"user": pair[0].text, "assistant": pair[1].text}


def _with_question(system: str, asked: str, remarks: list[str]) -> str:
    """The template: instructions alone where the user's turn is only the question, else both in one."""
    names = placeholders(asked)
    question = next((one for one in _ASKS if one in names), None)
    bare = PLACEHOLDER.fullmatch(asked.strip())
    if system and (not asked or bare is not None):
        if bare is not None and bare[1] != "question":
            remarks.append(f"{{{{{bare[1]}}}}} is the question that the user asks")
        return system
    if question is not None and question != "question":
        remarks.append(f"{{{{{question}}}}} became {{{{question}}}}, which Lockgate fills")
        asked = PLACEHOLDER.sub(lambda one: "{{question}}" if one[1] == question else one[0], asked)
    if system:
        remarks.append("its system message and the user's template are one text now")
    return "\n\n".join(one for one in (system, asked) if one)
