"""Evidence as a page: Markdown, or HTML that needs nothing else and prints well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from console.operations.audit.evidence import Evidence
from store.records.verdict import Verdict
from store.text import one_line, safe_text

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}td,th{border:1px solid #bbb;"
    "padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#f2f2f2;white-space:nowrap}"
    "@media print{body{margin:0;max-width:none}}"
)
_POINTS = 100


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the table below it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sections(found: Evidence) -> Iterator[Section]:
    """What the page holds, in the order in which an auditor reads it."""
    yield Section("Change", ("field", "value"), tuple(_facts(found)))
    record = found.record
    if record.changes:
        changed = tuple((c.component, c.before or "–", c.after or "–", c.what) for c in record.changes)
        yield Section("Components", ("component", "before", "after", "what differs"), changed)
    if record.approvals:
        yield Section(
            "Approvals",
            ("by", "address", "at", "for", "release digest", "signed"),
            tuple(
                (
                    one.by.name, one.by.email, f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
                    f"{one.release} in {one.environment}", one.release_digest,
                    "yes" if one.signature else "no",
                )
                for one in record.approvals
            ),
        )  # fmt: skip
    if record.overrides:
        answered = tuple((one.condition, one.reason) for one in record.overrides)
        yield Section("Overridden", ("condition", "reason"), answered)
    if record.checks:
        yield Section("Conditions", ("verdict", "condition"), tuple(_split(one) for one in record.checks))
    for verdict in found.verdicts:
        yield _verdict(verdict)
    if found.notes:
        yield Section("Later remarks", ("remark",), tuple((one,) for one in found.notes))


def markdown(found: Evidence) -> str:
    """The page as Markdown."""
    parts = [f"# {_cell(found.record.summary)}"]
    for section in sections(found):
        lines = [_row(section.head), _row(["---"] * len(section.head)), *map(_row, section.rows)]
        parts.append(f"## {_cell(section.title)}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def html(found: Evidence) -> str:
    """The page as one HTML document."""
    title = _text(found.record.summary)
    body = "".join(_table(section) for section in sections(found))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}</body></html>\n"
    )


def _facts(found: Evidence) -> Iterator[tuple[str, str]]:
    record, release = found.record, found.release
    facts: Sequence[tuple[str, str | None]] = (
        ("record", record.id),
        ("kind", record.kind),
        ("at", f"{record.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("by", f"{record.by.name} <{record.by.email}>"),
        ("environment", record.environment),
        ("why", record.why),
        ("release", record.release),
        ("release digest", release.digest if release else None),
        ("release made by", f"{release.created_by.name} <{release.created_by.email}>" if release else None),
        ("served before", record.before),
        ("serves since", record.after),
        ("gate", record.gate),
        ("emergency", "yes, the glass was broken" if record.emergency else None),
        ("policy digest", found.policy_digest),
        ("commit", found.commit),
        ("signed with", found.key or "nothing: the commit is not signed"),
        ("tool", record.tool),
        ("host", record.host),
    )
    yield from ((name, value) for name, value in facts if value)


def _verdict(verdict: Verdict) -> Section:
    head = ("category", "outcome", "cases", "candidate", "baseline", "difference", "margin", "reason")
    rows = tuple(
        (
            f"{one.suite}: {one.name}", one.outcome, str(one.cases), _points(one.candidate),
            _points(one.baseline), _points(one.difference), _points(one.margin), one.reason,
        )
        for one in verdict.categories
    )  # fmt: skip
    against = f" against {verdict.baseline}" if verdict.baseline else ""
    title = (
        f"Verdict {verdict.id}: {verdict.outcome}{against}, {verdict.cases} cases, {verdict.errors} errors, "
        f"graders {verdict.graders_digest[:19]}, policy {verdict.policy_digest[:19]}"
    )
    return Section(title, head, rows)


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value * _POINTS:.1f}"


def _split(check: str) -> tuple[str, str]:
    verdict, _, text = check.partition(": ")
    return verdict, text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(one) for one in cells)} |"


def _cell(text: str) -> str:
    """One line that Markdown takes for text."""
    flat = one_line(text, 2_000)
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in flat)


def _text(text: str) -> str:
    return escape(safe_text(text)).replace("\n", "<br>")


def _table(section: Section) -> str:
    head = "".join(f"<th>{_text(one)}</th>" for one in section.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>\n" for row in section.rows
    )
    return f"<h2>{_text(section.title)}</h2>\n<table><tr>{head}</tr>\n{rows}</table>\n"
