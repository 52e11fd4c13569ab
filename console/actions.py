"""Every action of the console, as data: keys, footer, palette and help are made from this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal["overview", "stage", "indexes", "history", "versions"]
"""A screen."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A screen that a number opens."""

    id: Place
    key: str
    title: str
    about: str


MODES: tuple[Mode, ...] = (
    Mode("overview", "1", "Overview", "what every environment serves, and what needs a person"),
    Mode("stage", "2", "Stage", "compose a release, run its evals, put it into the first environment"),
    Mode("indexes", "4", "Indexes", "index versions, how long they stay ready, and switching between them"),
    Mode("history", "5", "History", "who changed what, when, why and on what evidence"),
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
    Action(
        "promote",
        "p",
        "promote",
        "move the release of the environment before into this one",
        ("overview",),
        True,
    ),
    Action("note", "n", "note", "remark on the newest operation of this environment", ("overview",), True),
    Action("clear", "c", "clear", "let a rejected release be promoted again", ("overview",), True, False),
    Action("pick", "enter", "pick", "choose the version of this component", ("stage",), shown_key="⏎"),
    Action("base", "b", "base", "choose the release that this one starts from", ("stage",), footer=False),
    Action("evals", "e", "run evals", "run the eval suites of the candidate and its baseline", ("stage",)),
    Action("go", "g", "go", "stage what is picked, after looking at the plan", ("stage",), True),
    Action(
        "keep",
        "K",
        "keep blocked",
        "record a blocked release with its verdict; nothing moves",
        ("stage",),
        True,
        False,
    ),
    Action("stop", "x", "stop evals", "stop the evals that are running; nothing is kept of them", ("stage",)),
    Action("reset", "u", "undo picks", "go back to the versions of the base release", ("stage",)),
    Action("switch_index", "s", "switch", "serve this index version now", ("indexes",), True),
    Action("index_diff", "d", "diff", "what differs from the version before", ("indexes",)),
    Action(
        "verify", "v", "verify", "read every byte of this version again and compare its digests", ("indexes",)
    ),
    Action(
        "documents",
        "enter",
        "documents",
        "list the source documents of this version",
        ("indexes",),
        shown_key="⏎",
    ),
    Action(
        "filter",
        "slash",
        "filter",
        "list only what matches: env: kind: by: component: since: until: words",
        ("history",),
        shown_key="/",
    ),
    Action("detail", "enter", "detail", "read the whole record", ("history",), shown_key="⏎"),
    Action("remark", "n", "note", "add a note to this record", ("history",), True),
    Action("export", "x", "export", "write what is listed to a file", ("history",)),
    Action("serve", "s", "switch", "serve this version in an environment now", ("versions",), True),
    Action("compare", "d", "diff", "what differs from the version before", ("versions",)),
    Action(
        "shell",
        "o",
        "shell",
        "show the shell commands for what is selected",
        ("overview", "stage", "indexes", "history"),
        footer=False,
    ),
)

GLOBAL: tuple[tuple[str, str], ...] = (
    ("1 2 4 5", "open a screen"),
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
