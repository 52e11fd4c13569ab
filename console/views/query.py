"""The filter of the history screen as people type it: `env:production kind:rollback by:ana since:3d tone`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from store.errors import InputError
from store.history.reading import Filter
from store.text import one_line

TOKENS = ("env:", "kind:", "by:", "component:", "since:", "until:")


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, understood."""

    text: str
    filter: Filter


def parse_query(text: str, now: datetime) -> Query:
    """Reads `text`; words that are no token are searched for. Raises InputError naming the token."""
    from store.history.moments import moment  # the shell's own reading of times; only a filter pays for it

    given: dict[str, str] = {}
    words: list[str] = []
    for word in _split(text):
        name, colon, value = word.partition(":")
        if not colon or f"{name}:" not in TOKENS:
            if colon and name.isalpha() and value:
                raise InputError(f"{one_line(name, 20)}: is no filter; there are {' '.join(TOKENS)}")
            words.append(word)
        elif value:
            given[name] = value
    filter = Filter(
        environment=given.get("env"),
        component=given.get("component"),
        author=given.get("by"),
        kind=given.get("kind"),
        since=moment(given["since"], now) if "since" in given else None,
        until=moment(given["until"], now) if "until" in given else None,
        text=" ".join(words),
    )
    return Query(text.strip(), filter)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is still open while somebody types
        return text.split()
