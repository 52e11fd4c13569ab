"""lockgate add: a new version of a component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from console.commands.index_preview import show_preview
from console.commands.options import EITHER, FILE, FOLDER, source_option, version_options, workspace
from console.commands.output import aside, carry_out, progress, show_dry_run


@click.group(name="add")
def add_command() -> None:
    """Land a new version of a component; it never changes afterwards."""


@add_command.command()
@click.argument("name")
@source_option(
    EITHER,
    "A folder with system.md and, if any, few_shot_examples.json and prompt.toml; or a file of Humanloop "
    "(.prompt) or promptfoo (.txt, .md, .json, .yaml).",
)
@version_options("prompt.toml's, else counted")
def prompt(name: str, source: Path, what: str, **how: Any) -> int:
    """A prompt."""
    from console.operations.add import prompt as operation

    here = workspace()
    return carry_out(here, operation.plan(here, name, source, what=what), **how)


@add_command.command()
@click.argument("name")
@click.option(
    "--provider", required=True, help="openai, anthropic, google, mistral, bedrock, azure, ollama, hf, gguf."
)
@click.option("--id", "id_", required=True, help="The pinned id: dated or digest, never a floating alias.")
@click.option("--base-url", help="An OpenAI-compatible endpoint.")
@click.option(
    "--set", "parameters", multiple=True, metavar="KEY=VALUE", help="temperature, max_tokens, seed, …"
)
@click.option("--waiver", metavar="REASON", help="Answer for an id that no rule knows.")
@version_options()
def model(
    name: str,
    provider: str,
    id_: str,
    base_url: str | None,
    parameters: tuple[str, ...],
    waiver: str | None,
    what: str,
    **how: Any,
) -> int:
    """A model pin. Parameters are part of the version."""
    from console.operations.add import model as operation

    here = workspace()
    plan = operation.plan(
        here,
        name,
        provider,
        id_,
        base_url=base_url,
        parameters=operation.parse_parameters(parameters),
        waiver=waiver,
        what=what,
    )
    return carry_out(here, plan, **how)


@add_command.command()
@click.argument("name")
@source_option(EITHER, "A folder of Markdown, text, HTML or PDF, or a JSONL or CSV file.")
@click.option("--parent", metavar="vN", help="Take the vectors of what did not change from this version.")
@click.option(
    "--embedder",
    help="minilm, chroma-default, openai:<model>, lexical; else the parent's or settings.toml's.",
)
@click.option(
    "--chunk",
    "chunk_characters",
    type=click.IntRange(100, 8000),
    default=600,
    show_default=True,
    help="Characters of a passage, at most.",
)
@click.option(
    "--preview",
    "shown",
    type=click.IntRange(1, 1000),
    is_flag=False,
    flag_value=5,
    metavar="[N]",
    help="Only show the first N passages, 5 without a number: nothing is embedded or written.",
)
@version_options("counted")
def index(
    name: str,
    source: Path,
    parent: str | None,
    embedder: str | None,
    chunk_characters: int,
    shown: int | None,
    dry_run: bool,
    as_json: bool,
    why: str,
    what: str,
) -> int:
    """An index: built, sealed and probed on this machine, its manifest kept in git.

    --dry-run reads and cuts the documents, says what would be embedded, and builds nothing.
    """
    from console.operations.add import index as operation

    if shown is not None:
        return show_preview(name, source, shown, chunk_characters, as_json)
    here = workspace()
    asked: dict[str, Any] = {
        "parent": parent,
        "embedder": embedder,
        "chunk_characters": chunk_characters,
        "what": what,
        "report": progress,
    }
    if not dry_run:
        return carry_out(here, operation.build(here, name, source, **asked, tell=aside), why, False, as_json)
    from console.operations.add.index_estimate import estimate

    found = estimate(here, name, source, **asked)
    return show_dry_run(found.plan, why, as_json, {"index": found.as_json()})


@add_command.command()
@click.argument("name")
@source_option(FILE, "A TOML file of input and output rules.")
@version_options()
def guardrail(name: str, source: Path, what: str, **how: Any) -> int:
    """Guardrail rules."""
    from console.operations.add import guardrail as operation

    here = workspace()
    return carry_out(here, operation.plan(here, name, source, what=what), **how)


@add_command.command()
@click.argument("name")
@source_option(FOLDER, "A folder with suite.toml and cases.jsonl.")
@version_options()
def evals(name: str, source: Path, what: str, **how: Any) -> int:
    """An eval suite."""
    from console.operations.add import evals as operation

    here = workspace()
    return carry_out(here, operation.plan(here, name, source, what=what), **how)


@add_command.command()
@click.argument("name")
@click.option("--revision", required=True, help="A 40-hex git commit or sha256:<64 hex> image digest.")
@click.option("--repository", default="", help="Where that revision lives.")
@version_options()
def app(name: str, revision: str, repository: str, what: str, **how: Any) -> int:
    """An application revision."""
    from console.operations.add import app as operation

    here = workspace()
    return carry_out(here, operation.plan(here, name, revision, repository=repository, what=what), **how)
