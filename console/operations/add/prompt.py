"""Add a prompt version from a folder of system.md, few_shot_examples.json and prompt.toml, or from a file of
another tool."""

from __future__ import annotations

from pathlib import Path

from console.operations.add.landing import plan_version
from console.operations.add.reading import read_file, read_folder
from console.operations.plan import Check, Plan
from prompts.lint import lint
from prompts.prompt import parse_prompt
from store.bounded import TEXT_LIMIT, write_toml
from store.errors import InputError
from store.records.component import Component, Kind, Pin, check_name
from store.text import one_line
from store.workspace import Workspace

FILES = ("system.md", "few_shot_examples.json", "prompt.toml")


def plan(workspace: Workspace, name: str, source: Path, *, what: str = "") -> Plan:
    """What adding the prompt in `source` as the next version of `prompt/name` would do: a folder of ours, or
    one file as Humanloop and promptfoo have them.

    Raises InputError when a file is malformed or the lint finds an error (a secret, for example).
    """
    component = Component(Kind.PROMPT, check_name(name, "prompt name"))
    if source.is_dir():
        return plan_files(workspace, component, read_folder(source, FILES, ("system.md",)), str(source), what)
    from prompts.foreign import read_foreign

    foreign = read_foreign(read_file(source, TEXT_LIMIT), source.name)
    said = tuple(Check("imported", "warn", f"{one}.") for one in foreign.remarks)
    words = what or f"imported from {one_line(source.name, 80)}"
    return plan_files(workspace, component, foreign.files, source.name, words, said)


def plan_files(
    workspace: Workspace,
    component: Component,
    files: dict[str, bytes],
    where: str,
    what: str = "",
    checks: tuple[Check, ...] = (),
) -> Plan:
    """The same for files that are in memory, as an editor leaves them."""
    prompt = parse_prompt(files, where)
    findings = lint(prompt)
    errors = [finding.text for finding in findings if finding.level == "error"]
    if errors:
        raise InputError(f"prompt {component.name} is refused: {'; '.join(errors)}")
    if what:
        files = {**files, "prompt.toml": write_toml(prompt.info.model_copy(update={"what_changed": what}))}
    said = what or prompt.info.what_changed or _computed(workspace, component, files, where)
    return plan_version(
        workspace,
        component,
        files,
        said,
        f"lockgate add prompt {component.name} --from FOLDER",
        (*checks, *(Check("lint", "warn", finding.text) for finding in findings)),
    )


def _computed(workspace: Workspace, component: Component, files: dict[str, bytes], where: str) -> str:
    from prompts.compare import what_changed

    snapshot = workspace.store.at()
    versions = snapshot.versions(component)
    if not versions:
        return ""
    before = parse_prompt(snapshot.files(Pin(component, versions[-1])), str(component))
    return what_changed(before, parse_prompt(files, where))
