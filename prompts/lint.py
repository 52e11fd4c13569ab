"""What is likely wrong with a prompt: errors stop it from being added, warnings are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prompts.prompt import BUILT_IN, FEW_SHOT, INFO, SYSTEM, Prompt
from prompts.render import PLACEHOLDER, placeholders
from prompts.secrets import find_secrets
from store.text import one_line, safe_text

LONG = 8_000
"""Characters of instructions above which models tend to lose some of them."""
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_BRACES = re.compile(r"\{\{[^{}\n]{0,80}\}\}|\{%[^%\n]{0,80}%\}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a prompt."""

    level: Literal["error", "warning"]
    text: str
    """One sentence that names the place and the way out."""


def lint(prompt: Prompt) -> tuple[Finding, ...]:
    """Everything that is likely wrong with `prompt`, errors first."""
    found = [*_variables(prompt), *_sections(prompt.system), *_texts(prompt), *_secrets(prompt)]
    return tuple(sorted(found, key=lambda finding: finding.level))


def _variables(prompt: Prompt) -> Iterator[Finding]:
    used = placeholders(prompt.system)
    for name in used:
        if name not in BUILT_IN and prompt.variable(name) is None:
            yield Finding(
                "error",
                f"{SYSTEM} uses {{{{{name}}}}}, which {INFO} does not declare: add it to [[variables]].",
            )
    for variable in prompt.info.variables:
        if variable.name not in used:
            yield Finding(
                "warning",
                f"{INFO} declares {variable.name!r}, which {SYSTEM} does not use: place it or drop it.",
            )
    for match in _BRACES.finditer(prompt.system):
        if not PLACEHOLDER.fullmatch(match[0]):
            shown = one_line(match[0], 40)
            yield Finding(
                "warning", f"{SYSTEM} holds {shown}, which is no {{{{name}}}} and is sent as it stands."
            )
    for number, example in enumerate(prompt.few_shot, 1):
        if PLACEHOLDER.search(example.user) or PLACEHOLDER.search(example.assistant):
            yield Finding(
                "warning",
                f"{FEW_SHOT}, example {number} holds a {{{{name}}}}; examples are sent as they stand.",
            )


def _sections(text: str) -> Iterator[Finding]:
    """A heading is empty when neither text nor a deeper heading follows it."""
    open_heading: tuple[int, str] | None = None
    fenced = False
    for line in [*text.split("\n"), "# the end"]:
        heading = None if fenced else _HEADING.fullmatch(line.rstrip())
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if heading is None:
            if line.strip():
                open_heading = None
            continue
        depth = len(heading[1])
        if open_heading is not None and depth <= open_heading[0]:
            yield Finding(
                "warning",
                f"{SYSTEM} has nothing under {one_line(open_heading[1], 60)!r}: fill the section or drop it.",
            )
        open_heading = (depth, heading[2])


def _texts(prompt: Prompt) -> Iterator[Finding]:
    if len(prompt.system) > LONG:
        yield Finding(
            "warning",
            f"{SYSTEM} has {len(prompt.system):,} characters; over {LONG:,} models tend to lose "
            "instructions. Shorten it.",
        )
    if safe_text(prompt.system) != prompt.system:
        yield Finding(
            "warning", f"{SYSTEM} holds control or invisible characters: check that they are meant."
        )


def _secrets(prompt: Prompt) -> Iterator[Finding]:
    examples = [
        (f"{FEW_SHOT}, example {number}", f"{example.user}\n{example.assistant}")
        for number, example in enumerate(prompt.few_shot, 1)
    ]
    words = [prompt.info.what_changed, prompt.info.why]
    for variable in prompt.info.variables:
        words += [variable.description, str(variable.default or "")]
    for place, text in [(SYSTEM, prompt.system), *examples, (INFO, "\n".join(words))]:
        for secret in find_secrets(text):
            line = f", line {secret.line}" if place == SYSTEM else ""
            yield Finding(
                "error", f"{place}{line} holds what looks like {secret.what}: take it out and revoke it."
            )
