"""Nothing is drawn or printed but what was made safe: a lint over the sources, and what it catches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.safe_content import Fault, faults

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("console", "evals", "prompts", "indexes", "store")
DRAWING = ("console/screens/", "console/widgets/", "console/app.py", "console/demo/picture.py")

REASONS = {
    ("console/commands/output.py", "*", "print() prints"): "the one place that prints",
    (
        "console/commands/output.py",
        "table",
        "print() prints what was not made safe",
    ): "cells were cleaned above",
    ("console/__main__.py", "_failed", "print() prints"): "the sentence of an error, cleaned there",
    ("console/commands/cli.py", "cli", "echo() prints"): "the version; output.py would load the operations",
    (
        "console/commands/cli.py",
        "cli",
        "echo() prints what was not made safe",
    ): "the distribution's own version",
    ("evals/models/local_server.py", "*", "sys.stdout.write() prints"): "a pipe to the parent process",
    ("indexes/chroma_reading.py", "*", "sys.stdout.write() prints"): "a pipe to the parent process",
    ("indexes/probe.py", "*", "sys.stdout.write() prints"): "a pipe to the parent process",
    ("store/git/recovery.py", "*", "os.write() prints"): "a file of the store",
    ("evals/running/journal.py", "*", "os.write() prints"): "the journal's file",
    ("evals/judge/drafts.py", "*", "os.write() prints"): "the drafts' file",
    ("indexes/kept_vectors.py", "*", "os.write() prints"): "the vectors' file",
    ("console/widgets/guard.py", "*", "Segment() of text that was not made safe"): "the guard itself cleans",
}
"""What is allowed, where and why."""


def _sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _is_allowed(path: str, fault: Fault) -> bool:
    return (path, "*", fault.what) in REASONS or (path, fault.where, fault.what) in REASONS


def test_nothing_is_drawn_or_printed_but_what_was_made_safe() -> None:
    wrong, used = [], set()
    for source in _sources():
        path = source.relative_to(ROOT).as_posix()
        for fault in faults(source.read_text(), draws=path.startswith(DRAWING)):
            if _is_allowed(path, fault):
                used |= {(path, "*", fault.what), (path, fault.where, fault.what)}
            else:
                wrong.append(f"{path}:{fault.line}: in {fault.where or 'the module'}: {fault.what}")
    assert not wrong, "\n".join(wrong)
    assert not set(REASONS) - used, "reasons that nothing needs any more"


BAD = (
    "print(name)",
    "print(f'{name}: {one_line(why)}')",
    "click.echo(text)",
    "click.secho('x', fg=color)",
    "sys.stdout.write(text)",
    "sys.stderr.buffer.write(data)",
    "os.write(1, data)",
    "Text.from_markup(text)",
    "Content.from_markup('[b]x')",
    "Static(flat(parts), markup=True)",
    "Static(flat(parts), markup=on)",
    "Static(name)",
    "Static(f'{name} is')",
    "Static('[b]bold[/b]')",
    "Static(content=name)",
    "Label(str(name))",
    "Option(row.title)",
    "Button('a' + name)",
    "self.query_one('#x', Static).update(name)",
    "head.update(flat(a) if a else name)",
    "self.update(self._words())",
    "self.app.notify(name, markup=False)",
    "self.app.notify('done')",
    "self.app.notify('done', title=name, markup=False)",
    "self.border_title = name",
    "widget.tooltip = f'{name}'",
    "Content(name)",
    "Text(str(name))",
    "Markdown(text)",
    "RichLog().write(text)",
    "self.app.console.render_str(name)",
    "said = flat(a)\nsaid = name\nhead.update(said)",
    "for said in texts:\n    Static(said)",
    "def draw(text):\n    Static(text)",
    "def draw(said):\n    said = flat(said)\n    def inner(said):\n        Static(said)",
)
GOOD = (
    "Static(flat(parts))",
    "Static('', id='x')",
    "Static(literal(name), classes='head', markup=False)",
    "head.update(paragraphs(lines) if lines else literal(''))",
    "said = flat(a)\nhead.update(said)",
    "self._kept.update(other)",
    "self.notify(one_line(text, 300), title=one_line(title), markup=False)",
    "self.border_title = literal(name)",
    "Content(safe_text(name).expandtabs(4))",
    "Content('  ' * depth)",
    "class A:\n def keys(self) -> Content:\n  return flat(x)\n def go(self):\n  Static(self.keys())",
    "file.write(text)",
)


@pytest.mark.parametrize("snippet", BAD)
def test_the_lint_reports(snippet: str) -> None:
    assert faults(snippet, draws=True), snippet


@pytest.mark.parametrize("snippet", GOOD)
def test_the_lint_lets_pass(snippet: str) -> None:
    assert not faults(snippet, draws=True), snippet


def test_a_command_module_may_call_things_update() -> None:
    assert not faults("digest.update(data)", draws=False)
    assert faults("print(safe_text(text))", draws=False), "printing belongs to output.py, safe or not"
