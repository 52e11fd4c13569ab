"""The words that formats for people have in common."""

from __future__ import annotations

from evals.reports.report import Answered, Category, Cost, Noise, Report, Side

_OUTCOMES = {
    "pass": "Passed",
    "block": "Blocked",
    "inconclusive": "Inconclusive",
    "error": "Failed to run",
    "look": "A look, no verdict",
    "unfinished": "Unfinished",
    "nothing to run": "Nothing to compare",
}


def headline(report: Report) -> str:
    """ "Blocked: r2 against r1, full tier"."""
    return f"{outcome(report)}: {sides(report)}"


def outcome(report: Report) -> str:
    """ "Blocked"."""
    return _OUTCOMES[report.word]


def sides(report: Report) -> str:
    """ "r2 against r1, full tier"."""
    against = f"against {report.baseline.release}" if report.baseline else "without a baseline"
    return f"{report.candidate.release} {against}, {report.tier} tier"


def points(share: float | None, *, signed: bool = False) -> str:
    """A share as points: "−10.0"; a dash for None."""
    if share is None:
        return "—"
    text = f"{share * 100:+.1f}" if signed else f"{share * 100:.1f}"
    return text.replace("-", "−")


def interval(one: Category) -> str:
    """ "−10.0 [−15.4, −4.6]": D with its interval, in points."""
    if one.difference is None:
        return "—"
    shown = points(one.difference, signed=True)
    if one.low is None or one.high is None:
        return shown
    return f"{shown} [{points(one.low, signed=True)}, {points(one.high, signed=True)}]"


def scores(one: Answered) -> str:
    """ "0.33 (0, 0, 1)"; the mean alone where each repeat is not known."""
    each = f" ({', '.join(f'{score:g}' for score in one.scores)})" if len(one.scores) > 1 else ""
    return f"{one.score:.2f}{each}"


def cost(one: Cost) -> str:
    """ "12 cases, 48 answers (24 known from before), 0 errors, 1,024 tokens in and 96 out, 3 s"."""
    known = f" ({one.cached:,} known from before)" if one.cached else ""
    parts = [f"{one.cases:,} cases", f"{one.answers:,} answers{known}", f"{one.errors:,} errors"]
    if one.prompt_tokens is not None and one.completion_tokens is not None:
        parts.append(f"{one.prompt_tokens:,} tokens in and {one.completion_tokens:,} out")
    if one.usd is not None:
        parts.append(f"{one.usd:.4f} US dollars")
    if one.seconds is not None:
        parts.append(f"{one.seconds:,.0f} s")
    return ", ".join(parts)


def noise(one: Noise) -> str:
    """ "3 repeats, the same word for word"."""
    if one.steady:
        return f"{one.repeats} repeats, the same word for word"
    return f"{one.repeats} repeats, ± {one.spread * 100:.1f} points from run to run"


def bindings(side: Side) -> str:
    """ "prompt/support@v2, model/chat@v1"."""
    return ", ".join(f"{component}@{version}" for component, version in side.components)
