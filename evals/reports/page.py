"""One HTML page that needs nothing else: no script, no address, and a policy that would refuse both."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator

from evals.reports import words
from evals.reports.bounds import left_out
from evals.reports.forest import forest
from evals.reports.report import Answered, Category, FlippedCase, Passage, Report, Side
from store.text import safe_text

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .6rem; margin: .3rem 0; }
summary { cursor: pointer; padding: .3rem 0; }
.arms { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pass { color: #1a7f37; } .block { color: #cf222e; } .doubt { color: #9a6700; }
svg { width: 14rem; height: 1.4rem; } .axis { stroke: #8888; } .margin { stroke: #cf222e; }
.span { stroke: currentColor; stroke-width: 2; } .dot { fill: currentColor; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_CLASSES = {"pass": "pass", "block": "block"}
_FLIPS = 100


def render(report: Report) -> bytes:
    """`report` as a page in UTF-8."""
    return "\n".join(_page(report)).encode()


def _page(report: Report) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{_text(words.headline(report))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{_mark(report.word, words.outcome(report))}: {_text(words.sides(report))}</h1>"
    yield f"<p>{report.at:%Y-%m-%d %H:%M} UTC. {_text(words.cost(report.cost))}.</p>"
    if report.reasons:
        yield _list(report.reasons)
    if report.categories:
        yield from _categories(report)
    if report.flips:
        yield from _flips(report)
    if report.noise:
        yield from _noise(report)
    yield from _identity(report)
    yield "</body>\n</html>\n"


def _categories(report: Report) -> Iterator[str]:
    yield "<h2>Categories</h2>\n<table>"
    yield (
        '<tr><th>outcome<th>category<th>suite<th class="n">baseline<th class="n">candidate'
        '<th class="n">D with interval, points<th>against the margin<th class="n">cases × repeats<th>why</tr>'
    )
    for one in report.categories:
        yield _row(one)
    yield "</table>"


def _row(one: Category) -> str:
    return (
        f"<tr><td>{_mark(one.word, one.word)}<td>{_text(one.name)}<td>{_text(one.suite)}"
        f'<td class="n">{words.points(one.baseline)}<td class="n">{words.points(one.candidate)}'
        f'<td class="n">{words.interval(one)}<td>{forest(one)}'
        f'<td class="n">{one.cases} × {one.repeats}<td>{_text(one.reason)}</tr>'
    )


def _flips(report: Report) -> Iterator[str]:
    worse = len(report.worse)
    yield f"<h2>Flipped cases: {worse:,} worse, {len(report.flips) - worse:,} better</h2>"
    for flip in report.flips[:_FLIPS]:
        yield _flip(flip)
    more = max(0, len(report.flips) - _FLIPS) + report.more_flips
    if more:
        yield f"<p>{left_out(more, 'flipped case')}</p>"


def _flip(one: FlippedCase) -> str:
    scores = f"{one.before.score:.2f} → {one.after.score:.2f}"
    css = "block" if one.way == "worse" else "pass"
    return (
        f'<details><summary><span class="{css}">{one.way}</span> {scores} '
        f"<code>{_text(one.case)}</code> {_text(one.category)}</summary>\n<pre>{_text(one.question)}</pre>\n"
        f'<div class="arms">{_arm("Baseline", one.before)}{_arm("Candidate", one.after)}</div></details>'
    )


def _arm(name: str, one: Answered) -> str:
    refused = f", refused by <code>{_text(one.refused_by)}</code>" if one.refused_by else ""
    passages = "".join(_passage(passage) for passage in one.passages)
    return (
        f"<div><strong>{name}</strong>, score {words.scores(one)}{refused}"
        f"<pre>{_text(one.text)}</pre>{_list(one.reasons)}{passages}</div>"
    )


def _passage(one: Passage) -> str:
    name = f"<summary>passage <code>{_text(one.id)}</code></summary>"
    return f"<details>{name}<pre>{_text(one.text)}</pre></details>"


def _noise(report: Report) -> Iterator[str]:
    yield "<h2>Noise</h2>\n<table><tr><th>category<th>suite<th>release<th>measured</tr>"
    for one in report.noise:
        yield (
            f"<tr><td>{_text(one.category)}<td>{_text(one.suite)}<td>{one.side}"
            f"<td>{_text(words.noise(one))}</tr>"
        )
    yield "</table>"


def _identity(report: Report) -> Iterator[str]:
    yield "<h2>What was compared</h2>\n<table>"
    for name, side in (("candidate", report.candidate), ("baseline", report.baseline)):
        if side is not None:
            yield _side(name, side)
    rows = [*report.digests, *([("verdict", report.verdict)] if report.verdict else [])]
    for what, digest in rows:
        yield f"<tr><th>{_text(what)}<td><code>{_text(digest)}</code></tr>"
    yield "</table>"


def _side(name: str, side: Side) -> str:
    bound = f"<br>{_text(words.bindings(side))}" if side.components else ""
    return f"<tr><th>{name}<td>{_text(side.release)} <code>{_text(side.digest)}</code>{bound}</tr>"


def _mark(word: str, text: str) -> str:
    return f'<span class="{_CLASSES.get(word, "doubt")}">{_text(text)}</span>'


def _list(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(one)}</li>" for one in texts)
    return f"<ul>{items}</ul>" if items else ""


def _text(text: str) -> str:
    return html.escape(safe_text(text))
