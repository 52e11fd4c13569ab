"""Every status as a symbol, a word and a tone: never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from console.views.line import Line, Part, Tone


@dataclass(frozen=True, slots=True)
class Mark:
    """How one status is shown."""

    symbol: str
    word: str
    tone: Tone

    def line(self, rest: str = "") -> Line:
        """Symbol, word and, after them, `rest`."""
        head = Part(f"{self.symbol} {self.word}", self.tone)
        return (head, Part(rest)) if rest else (head,)

    @property
    def text(self) -> str:
        """Symbol and word."""
        return f"{self.symbol} {self.word}"


INDEX_STATUS = {
    "production": Mark("●", "production", "good"),
    "rollback_ready": Mark("↺", "rollback ready", "accent"),
    "archived": Mark("·", "archived", "muted"),
    "built": Mark("○", "built", "plain"),
    "unknown": Mark("?", "unknown", "warn"),
}
"""By the status that store.rules.index_status gives."""

GATE = {
    "pass": Mark("✓", "pass", "good"),
    "block": Mark("✗", "block", "bad"),
    "inconclusive": Mark("?", "inconclusive", "warn"),
    "override": Mark("!", "override", "warn"),
    "served before": Mark("↺", "served before", "accent"),
    "none": Mark("–", "no evals", "muted"),
}
"""By the gate's outcome in a record."""

CHECK = {
    "ok": Mark("✓", "ok", "good"),
    "warn": Mark("!", "warning", "warn"),
    "unmet": Mark("✗", "not met", "bad"),
    "undecided": Mark("?", "undecided", "warn"),
}
"""By the verdict of one condition of a plan."""

DIFFERENCE = {
    "ahead": Mark("▲", "ahead", "accent"),
    "behind": Mark("▼", "behind", "warn"),
    "held": Mark("■", "held", "warn"),
    "only here": Mark("+", "only here", "accent"),
    "not here": Mark("–", "not here", "muted"),
}
"""By how a version differs from the environment before."""

KIND = {
    "rollback": Mark("↺", "rollback", "warn"),
    "promote": Mark("→", "promote", "good"),
    "stage": Mark("○", "stage", "plain"),
    "switch": Mark("⇄", "switch", "accent"),
    "block": Mark("✗", "block", "bad"),
    "add": Mark("+", "add", "plain"),
    "eval": Mark("?", "eval", "plain"),
    "clear": Mark("~", "clear", "plain"),
    "freeze": Mark("=", "freeze", "warn"),
    "unfreeze": Mark("~", "unfreeze", "plain"),
    "note": Mark("»", "note", "muted"),
    "init": Mark("*", "init", "muted"),
    "policy": Mark("§", "policy", "plain"),
    "approve": Mark("✓", "approve", "plain"),
    "advance": Mark("▶", "advance", "good"),
    "pause": Mark("‖", "pause", "warn"),
    "resume": Mark("▶", "resume", "plain"),
    "abort": Mark("■", "abort", "warn"),
    "fail": Mark("✗", "fail", "bad"),
    "error": Mark("!", "error", "bad"),
    "settle": Mark("·", "settle", "muted"),
    "baseline": Mark("·", "baseline", "muted"),
    "shadow": Mark("◐", "shadow", "plain"),
    "unshadow": Mark("◌", "unshadow", "muted"),
    "pin": Mark("•", "pin", "plain"),
    "unpin": Mark("◦", "unpin", "muted"),
    "mark": Mark("·", "mark", "muted"),
    "archive": Mark("↓", "archive", "muted"),
    "restore": Mark("↑", "restore", "accent"),
    "purge": Mark("✗", "purge", "warn"),
    "drift": Mark("≈", "drift", "warn"),
    "drill": Mark("↺", "drill", "plain"),
    "commit": Mark("·", "commit", "muted"),
}
"""By the kind of an operation."""


def kind_mark(kind: str) -> Mark:
    """The mark of an operation's kind; an unknown kind is shown as it is."""
    return KIND.get(kind) or Mark("·", kind, "plain")


def gate_mark(gate: str) -> Mark:
    """The mark of a gate's outcome; an unknown one is shown as it is."""
    return GATE.get(gate) or Mark("?", gate, "plain")
