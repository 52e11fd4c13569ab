"""Every command over texts that try to act: nothing that a terminal obeys is printed.

The commands are walked as click has them. Those that look are run plain, as JSON and in every form of
theirs; those that change something are run with --dry-run, which prints the whole plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from console.commands.cli import cli
from store.text import safe_text
from tests.hostile.conftest import Lockgate
from tests.hostile.payloads import ACTING, PAYLOADS, SHOWN
from tests.hostile.poisoned import spoken

_NEVER = {("demo",), ("init",), ("watch",)}
"""They make a workspace, or do not end."""
_SLOW = {"drill", "verify"}
"""They take seconds: once is enough."""
_LAST = f"v{len(PAYLOADS) + 1}"
REFS = ["r1", "r2", "production", "model/chat", "index/pages@v2", "evals/support@v2", "guardrail/default"]
REFS += [f"prompt/support@v{number}" for number in range(2, len(PAYLOADS) + 2)]
PAIRS = [("r1", "r2"), ("index/pages@v1", "index/pages@v2"), ("evals/support@v1", "evals/support@v2")]
PAIRS += [(f"prompt/support@v{number - 1}", f"prompt/support@v{number}") for number in range(2, 24)]
ARGUMENTS: dict[tuple[str, ...], list[tuple[str, ...]]] = {
    ("list",): [(kind,) for kind in ("prompt", "model", "index", "guardrail", "evals", "app", "release")]
    + [("prompt", "support"), ("evals", "support")],
    ("show",): [(ref,) for ref in REFS],
    ("diff",): [*PAIRS, ("index/pages@v1", "index/pages@v2", "--suite", "evals/support@v2")],
    ("history",): [(), ("--component", "prompt/support"), ("red",), ("--kind", "note")],
    ("eval",): [("r2",), ("r2", "--against", "r1")],
    ("evals", "report"): [("r2",)],
    ("stage",): [("--set", f"prompt/support={_LAST}")],
    ("plan",): [("r1", "--to", "production"), ("r2", "--to", "production")],
    ("promote",): [("r2", "--to", "production"), ("r1", "--to", "production")],
    ("switch",): [(f"prompt/support@{_LAST}", "--env", "production")],
    ("index", "documents"): [("index/pages@v2",)],
    ("index", "search"): [("index/pages@v2", text[:300]) for text in PAYLOADS.values()],
    ("index", "verify"): [("index/pages@v2",)],
    ("compare",): [("r1", "r2", "--input", text[:300]) for text in list(PAYLOADS.values())[::6]],
    ("drill",): [("--no-record",)],
    ("why",): [(text[:300], "--env", "production") for text in PAYLOADS.values()],
}
"""Words to run a command with; others get words made of what their parameters are called."""
_BY_NAME = {"environment": "production", "release": "r2", "kind": "prompt", "ref": "prompt/support@v2"}


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, (*path, name))


COMMANDS = {path: command for path, command in leaves(cli) if path not in _NEVER}

WORDED = [path for path, command in COMMANDS.items() if any(one.required for one in command.params)]
"""Those that want words."""


def flags(command: click.Command) -> set[str]:
    """The options that `command` has."""
    return {word for one in command.params for word in one.opts if word.startswith("-")}


def plain_words(command: click.Command, text: str) -> tuple[str, ...]:
    """What `command` wants, found by its parameters' names; `text` where they say nothing."""
    words: list[str] = []
    for one in command.params:
        if one.required and one.name is not None:
            value = _BY_NAME.get(one.name, text)
            words += [one.opts[0], value] if isinstance(one, click.Option) else [value]
    return tuple(words)


def forms(command: click.Command) -> Iterator[tuple[str, ...]]:
    """The ways in which `command` can print."""
    dry = ("--dry-run",) if "--dry-run" in flags(command) else ()
    yield dry
    if "--json" in flags(command) and command.name not in _SLOW:
        yield (*dry, "--json")
    for one in command.params:
        if "--format" in one.opts and isinstance(one.type, click.Choice) and "jsonl" in one.type.choices:
            yield from ((*dry, "--format", form) for form in one.type.choices)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_command_prints_what_acts(path: tuple[str, ...], poisoned: Path, lockgate: Lockgate) -> None:
    command = COMMANDS[path]
    for words in ARGUMENTS.get(path, [plain_words(command, "prompt/support@v2")]):
        for form in forms(command):
            result = lockgate("-C", poisoned, *path, *words, *form)
            assert not ACTING.search(result.out), (words, form, ACTING.search(result.out))
            assert not ACTING.search(result.err), (words, form, ACTING.search(result.err))
            assert "unexpected" not in result.err, result.err
            if "--json" in form:
                json.loads(result.out)


@pytest.mark.parametrize("path", WORDED, ids=" ".join)
def test_no_command_echoes_what_acts_from_its_arguments(
    path: tuple[str, ...], poisoned: Path, lockgate: Lockgate
) -> None:
    command = COMMANDS[path]
    texts = [text[:2000] for text in PAYLOADS.values()]
    start = sum(map(len, path)) % len(texts)
    for text in (*texts[start:], *texts[:start])[:6]:
        dry = ("--dry-run",) if "--dry-run" in flags(command) else ()
        words = [text if word in _BY_NAME.values() else word for word in plain_words(command, text)]
        result = lockgate("-C", poisoned, *path, *words, *dry)
        assert not ACTING.search(result.out + result.err), (words, result)
        assert "unexpected" not in result.err, result.err


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_text_is_shown_and_not_swallowed(name: str, poisoned: Path, lockgate: Lockgate) -> None:
    """The matrix would be green of commands that print nothing."""
    text = PAYLOADS[name]
    told = lockgate("-C", poisoned, "history", "-n", "200", "--kind", "note", "--json")
    kept = [one for one in told.data["operations"] if one["summary"].startswith(f"{name}: ")]
    assert kept and kept[0]["why"] == text
    number = list(PAYLOADS).index(name) + 2
    shown = lockgate("-C", poisoned, "show", f"prompt/support@v{number}").out
    assert safe_text(text.replace("{{", "{ {").strip()) in shown, shown


def test_reports_hold_nothing_that_acts(poisoned: Path, lockgate: Lockgate, tmp_path: Path) -> None:
    files = [tmp_path / f"report.{ending}" for ending in ("md", "xml", "html", "json", "jsonl", "csv")]
    words = [part for file in files for part in ("--report", str(file))]
    told = lockgate("-C", poisoned, "evals", "report", "r2", *words)
    assert told.code == 0, told.err
    for file in files:
        text = file.read_text()
        assert len(text) > 2000 and not ACTING.search(text), (file.name, ACTING.search(text))


def test_answers_of_a_model_are_among_what_is_shown(poisoned: Path, lockgate: Lockgate) -> None:
    told = lockgate("-C", poisoned, "evals", "report", "r2", "--json")
    assert spoken({"messages": [{"content": ""}]}) and SHOWN.search(told.out), told.out[:500]
