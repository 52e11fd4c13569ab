"""Every action of the console, as data: keys, footer, palette and help are made from this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal[
    "overview",
    "stage",
    "rollout",
    "indexes",
    "history",
    "evals",
    "compare",
    "shadow",
    "versions",
    "flips",
    "label",
    "quality",
    "retrieval",
    "answer",
]
"""A screen."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A screen that a number opens."""

    id: Place
    key: str
    letter: str
    """What opens it after `g`."""
    title: str
    about: str


MODES: tuple[Mode, ...] = (
    Mode("overview", "1", "o", "Overview", "what every environment serves, and what needs a person"),
    Mode("stage", "2", "s", "Stage", "compose a release, run its evals, stage it"),
    Mode("rollout", "3", "r", "Rollout", "the steps of a promotion, and canary against stable"),
    Mode("indexes", "4", "i", "Indexes", "index versions, how long they stay ready, and switching"),
    Mode("history", "5", "h", "History", "who changed what, when, why and on what evidence"),
    Mode("evals", "6", "e", "Evals", "runs and verdicts by category, flipped cases, labels for the judge"),
    Mode("compare", "7", "c", "Compare", "one question, two releases, their answers beside each other"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does."""

    id: str
    """The screen's method is do_<id>."""
    key: str
    """As Textual names keys."""
    label: str
    """Two words at most, for the footer."""
    about: str
    """One sentence without a full stop, for help and palette."""
    places: tuple[Place, ...]
    """The screens that have it; the first is where the palette goes for it."""
    changes: bool = False
    """Whether it changes the store; read-only leaves it out."""
    footer: bool = True
    """Whether the footer has room for it."""
    shown_key: str = ""
    """How the key is written, where that differs from `key`."""

    @property
    def key_text(self) -> str:
        """The key as people read it."""
        return self.shown_key or self.key


ACTIONS: tuple[Action, ...] = (
    Action("open", "enter", "versions", "show every version of this component", ("overview",), shown_key="⏎"),
    Action("switch", "s", "switch", "serve another version of one component now", ("overview",), True),
    Action("rollback", "r", "roll back", "go back to what served before", ("overview",), True),
    Action("promote", "p", "promote", "bring in what the environment before serves", ("overview",), True),
    Action("drill", "d", "rehearse", "rehearse what a rollback would bring back", ("overview",), True, False),
    Action("note", "n", "note", "remark on this environment's newest operation", ("overview",), True),
    Action("freeze", "z", "freeze", "let nothing move forward here for a time", ("overview",), True, False),
    Action("unfreeze", "Z", "unfreeze", "lift what was frozen here by hand", ("overview",), True, False),
    Action("yes", "v", "approve", "say yes to what would be promoted here", ("overview",), True, False),
    Action("review", "w", "review", "say that you looked at broken glass", ("overview",), True, False),
    Action("clear", "c", "clear", "let a rejected release be promoted again", ("overview",), True, False),
    Action("pick", "enter", "pick", "choose the version of this component", ("stage",), shown_key="⏎"),
    Action("base", "b", "base", "choose the release that this one starts from", ("stage",), footer=False),
    Action("evals", "e", "run evals", "run the suites on candidate and baseline", ("stage",)),
    Action("go", "s", "stage", "put it into the first environment, after a plan", ("stage",), True),
    Action("stop", "x", "stop evals", "stop the evals; a next run goes on from there", ("stage",)),
    Action("reset", "u", "undo picks", "go back to the versions of the base release", ("stage",)),
    Action("keep", "K", "keep blocked", "record a blocked release; nothing moves", ("stage",), True),
    Action("metric", "enter", "metric", "all that is known of this metric", ("rollout",), shown_key="⏎"),
    Action("advance", "a", "advance", "begin the next step now, after a plan", ("rollout",), True),
    Action("pause", "z", "pause", "stop where it is, or let it go on", ("rollout",), True),
    Action("shadow", "w", "shadow", "what answers for the log only here", ("rollout",)),
    Action("take_back", "r", "roll back", "everybody to stable; the release is rejected", ("rollout",), True),
    Action("abort", "x", "abort", "end it; the release is not rejected", ("rollout",), True),
    Action("approve", "v", "approve", "say yes to the next step", ("rollout",), True, False),
    Action("rollout_note", "n", "note", "remark on what moved it last", ("rollout",), True, False),
    Action("other", "e", "environment", "the rollout of another environment", ("rollout",), footer=False),
    Action("switch_index", "s", "switch", "serve this index version now", ("indexes",), True),
    Action("index_diff", "d", "diff", "what differs from the version before", ("indexes",)),
    Action("verify", "v", "verify", "read every byte again and ask its probes", ("indexes",)),
    Action(
        "documents",
        "enter",
        "documents",
        "list the source documents of this version",
        ("indexes",),
        shown_key="⏎",
    ),
    Action(
        "restore",
        "u",
        "restore",
        "unpack an archived version, so that it can serve",
        ("indexes",),
        True,
        False,
    ),
    Action(
        "keep_version", "K", "pin", "keep this version ready, whatever its age", ("indexes",), True, False
    ),
    Action("probes", "p", "probes", "list the golden queries it must answer", ("indexes",)),
    Action(
        "find_both",
        "c",
        "compare",
        "ask it and the version before the same questions",
        ("indexes",),
        footer=False,
    ),
    Action(
        "passages", "enter", "passages", "the question, every passage whole", ("retrieval",), shown_key="⏎"
    ),
    Action("holding", "slash", "filter", "list what holds some words", ("retrieval",), shown_key="/"),
    Action("export_retrieval", "e", "export", "write what is listed to a file", ("retrieval",)),
    Action(
        "filter",
        "slash",
        "filter",
        "list what matches, such as kind:rollback by:ana",
        ("history",),
        shown_key="/",
    ),
    Action("detail", "enter", "detail", "read the whole record", ("history",), shown_key="⏎"),
    Action("remark", "n", "note", "add a note to this record", ("history",), True),
    Action("export", "x", "export", "write what is listed to a file", ("history",)),
    Action("question", "v", "questions", "ask what auditors ask", ("history",)),
    Action("answer_row", "enter", "whole", "the row, every cell whole", ("answer",), shown_key="⏎"),
    Action("answer_filter", "slash", "filter", "list what holds some words", ("answer",), shown_key="/"),
    Action("answer_environment", "e", "environment", "ask it of one environment, or of all", ("answer",)),
    Action("answer_time", "t", "time", "ask it of another time", ("answer",)),
    Action("answer_export", "x", "export", "write what is listed to a file", ("answer",)),
    Action("serve", "s", "switch", "serve this version in an environment now", ("versions",), True),
    Action("compare", "d", "diff", "what differs from the version before", ("versions",)),
    Action("flips", "enter", "flips", "the cases that flipped, side by side", ("evals",), shown_key="⏎"),
    Action("begin_run", "e", "run evals", "run the suites of a release against another", ("evals",)),
    Action("go_on", "r", "go on", "go on with a run that was stopped", ("evals",)),
    Action("stop_run", "x", "stop", "stop the evals; `r` goes on from there", ("evals",)),
    Action("keep_verdict", "s", "keep", "keep the verdict as evidence, after a plan", ("evals",), True),
    Action("label", "m", "label", "say what the judge should have said of answers", ("evals",), True),
    Action(
        "weeks", "w", "weeks", "how each category did by week, and what changed", ("evals",), footer=False
    ),
    Action("drift", "enter", "drift", "what the checks say of the models", ("quality",), shown_key="⏎"),
    Action("next_environment", "e", "environment", "the weeks of another environment", ("quality",)),
    Action("export_weeks", "x", "export", "write every category and week to a file", ("quality",)),
    Action("yes", "y", "yes", "the answer fulfils its rubric; points are 1 to 5", ("label",), True),
    Action("no", "n", "no", "the answer does not fulfil its rubric", ("label",), True),
    Action("forward", "f", "skip", "go on to the next answer", ("label",)),
    Action("backward", "b", "back", "go back to the answer before, to change a label", ("label",)),
    Action("land_labels", "s", "land", "land the labels in the suite's next version", ("label",), True),
    Action("diff_answers", "enter", "diff", "answers, grades, passages, whole", ("flips",), shown_key="⏎"),
    Action(
        "narrow",
        "slash",
        "filter",
        "list what matches, such as category:tone verdict:worse",
        ("flips",),
        shown_key="/",
    ),
    Action("make_case", "c", "make test", "make a test of this answer: a case more", ("flips",), True),
    Action("export_flips", "e", "export", "write what is listed to a file", ("flips",)),
    Action("ask", "a", "ask", "put a question to both releases", ("compare",)),
    Action("kept", "i", "request", "ask both what a user has asked", ("compare",)),
    Action("newest", "m", "newest ten", "ask both the ten newest requests", ("compare",)),
    Action("first", "f", "first", "choose the release at the left", ("compare",)),
    Action("second", "t", "second", "choose the release at the right", ("compare",)),
    Action("halt", "x", "stop", "stop asking; what is answered stays", ("compare",)),
    Action("test_of_it", "c", "make test", "make a test of the right answer", ("compare",), True, False),
    Action("swap", "u", "swap", "left to right", ("compare",), footer=False),
    Action("save", "e", "export", "write what is listed to a file", ("compare",), footer=False),
    Action("begin_shadow", "s", "start", "shadow what environments serve with a release", ("shadow",), True),
    Action("end_shadow", "x", "end", "end the shadow; what it compared stays", ("shadow",), True),
    Action("both", "enter", "compare", "ask both this request again", ("shadow",), shown_key="⏎"),
    Action(
        "shell",
        "o",
        "shell",
        "show the shell commands for what is selected",
        (
            "overview",
            "stage",
            "rollout",
            "indexes",
            "history",
            "evals",
            "flips",
            "label",
            "compare",
            "shadow",
            "quality",
            "retrieval",
            "answer",
        ),
        footer=False,
    ),
    Action(
        "copy",
        "y",
        "copy",
        "copy the id of what is selected",
        (
            "overview",
            "stage",
            "rollout",
            "indexes",
            "history",
            "evals",
            "flips",
            "compare",
            "shadow",
            "versions",
            "retrieval",
            "answer",
        ),
        footer=False,
    ),
)

GLOBAL: tuple[tuple[str, str], ...] = (
    (f"{MODES[0].key} to {MODES[-1].key}", "open a screen"),
    ("g", f"and then {' '.join(mode.letter for mode in MODES)} opens it too"),
    ("?", "help"),
    ("Ctrl+P  :", "find any action by name"),
    ("Tab", "next pane"),
    ("↑ ↓ k j", "move; PgUp PgDn Home End too"),
    ("← → h l", "move between environments"),
    ("Esc", "back"),
    ("q", "quit; asks while work is running"),
)
"""Keys that work everywhere, for the help screen."""


def of(place: Place, readonly: bool = False) -> tuple[Action, ...]:
    """The actions of one screen, in the order of the footer."""
    return tuple(one for one in ACTIONS if place in one.places and not (readonly and one.changes))


def find(id: str) -> Action:
    """The action called `id`."""
    return next(one for one in ACTIONS if one.id == id)
