"""Ways through the console, with the pictures that are taken on them.

A walk begins at the overview and is a list of steps: the name of the picture ("" takes none) and the
keys before it. A key that begins with `type:` is text for what has the focus.
"""

from __future__ import annotations

from dataclasses import dataclass

Step = tuple[str, ...]


@dataclass(frozen=True)
class Walk:
    """Steps, and what the gate says on them."""

    steps: tuple[Step, ...]
    gate: str = "pass"


BACK: Step = ("", "escape")
WALKS = {
    "overview": Walk(
        (
            ("overview",),
            ("release", "enter"),
            ("overview-staging", "escape", "left"),
            ("overview-why-not", "p"),
            ("overview-needs", "right", "shift+tab"),
            ("overview-recent", "tab", "tab"),
            ("shell", "tab", "tab", "o"),
            ("copied", "escape", "y"),
            ("note", "n"),
            ("note-empty", "enter"),
            ("jump", "escape", "g"),
            ("help", "escape", "question_mark"),
            ("help-end", "end"),
            ("palette", "escape", "ctrl+p", "type:switch"),
        )
    ),
    "versions": Walk(
        (
            ("versions", "down", "down", "enter"),
            ("versions-diff", "d"),
            ("versions-switch-where", "escape", "down", "s"),
            ("versions-switch-plan", "enter"),
        )
    ),
    "plans": Walk(
        (
            ("rollback-choice", "r"),
            ("rollback-choice-narrowed", "type:model"),
            ("rollback-choice-nothing", "type:zzz"),
            ("rollback-plan", "escape", "r", "home", "enter"),
            ("clear-choice", "escape", "c"),
            ("clear-plan", "enter"),
            ("switch-choice", "escape", "down", "down", "down", "down", "s"),
            ("switch-plan", "enter"),
            ("promote-blocked", "escape", "p"),
            ("promote-blocked-enter", "enter"),
            ("promote-overridden", "type:checked by hand", "enter"),
            ("promote-name-wanted", "type:the incident is over", "enter"),
            ("promote-name-wrong", "type:production", "enter"),
        )
    ),
    "indexes": Walk(
        (
            ("indexes", "4"),
            ("index-documents", "enter"),
            ("index-probes", "tab"),
            ("index-verified", "escape", "v"),
            ("index-diff", "escape", "d"),
            ("index-switch-where", "escape", "s"),
            ("index-switch-plan", "enter"),
            ("index-switch-no-note", "enter"),
        )
    ),
    "history": Walk(
        (
            ("history", "5", "down"),
            ("history-record", "down", "down", "down", "enter"),
            ("history-filter", "escape", "slash", "type:env:production warranty"),
            ("history-filtered", "enter"),
            ("history-filter-wrong", "slash", "type: who:ana", "enter"),
            ("history-nothing", "escape", "escape", "slash", "type:nothing-like-this", "enter"),
            ("history-note", "escape", "down", "n"),
            ("history-export", "escape", "x"),
            ("history-export-refused", "type:.txt", "enter"),
        )
    ),
    "stage": Walk(
        (
            ("stage", "2"),
            ("stage-versions", "down", "enter"),
            ("stage-picked", "type:v3", "enter"),
            ("stage-base", "b"),
            ("stage-passed", "escape", "down", "enter", "type:v1", "enter", "e"),
            ("stage-plan", "s"),
        )
    ),
    "blocked": Walk(
        (
            ("stage-blocked", "2", "down", "enter", "type:v3", "enter", "e"),
            ("stage-plan-blocked", "s"),
            ("stage-plan-keep", "escape", "K"),
        ),
        "block",
    ),
    "undecided": Walk(
        (
            ("stage-undecided", "2", "down", "enter", "type:v3", "enter", "e"),
            ("stage-plan-undecided", "s"),
        ),
        "inconclusive",
    ),
}
HOSTILE = {
    "overview": Walk(
        (
            ("overview",),
            ("overview-last", "end", "up"),
            ("release", "home", "enter"),
            ("versions", "escape", "down", "down", "enter"),
            ("versions-diff", "d"),
            ("switch-choice", "escape", "escape", "s"),
            ("switch-plan", "enter"),
            ("rollback-choice", "escape", "left", "r"),
            ("rollback-plan", "enter"),
            ("clear-choice", "escape", "right", "c"),
            ("clear-plan", "enter"),
            ("promote-blocked", "escape", "p"),
            ("shell", "escape", "o"),
            ("note", "escape", "n", "type:[red]x[/]"),
        )
    ),
    "indexes": Walk(
        (
            ("indexes", "4"),
            ("index-documents", "enter"),
            ("index-probes", "tab"),
            ("index-diff", "escape", "d"),
            ("index-switch-where", "escape", "s"),
            ("index-switch-plan", "enter"),
        )
    ),
    "history": Walk(
        (
            ("history", "5"),
            ("history-record", "down", "enter"),
            ("history-filtered", "escape", "slash", "type:[/red] evil", "enter"),
            ("history-note", "escape", "n"),
        )
    ),
    "stage": Walk(
        (
            ("stage", "2"),
            ("stage-versions", "down", "enter"),
            ("stage-blocked", "down", "enter", "e"),
            ("stage-plan", "s"),
        ),
        "block",
    ),
}
