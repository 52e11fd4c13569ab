"""The filter of flipped cases as people type it: `category:relevance verdict:worse tag:login "refund"`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from console.operations.evals.flips import Flipped
from store.errors import InputError
from store.text import one_line

TOKENS = ("category:", "verdict:", "tag:", "suite:")
VERDICTS = ("worse", "better", "pass", "block", "inconclusive", "warns", "few")
"""Of the case: worse, better. Of its category: the others."""
_WORDS = {"warns": "only warns", "few": "too few"}


@dataclass(frozen=True, slots=True)
class FlipsQuery:
    """What was typed, understood. Empty fields let everything through."""

    text: str = ""
    categories: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Lower case; each has to stand in the case, its question or an answer."""

    def lets(self, one: Flipped) -> bool:
        """Whether `one` is listed: of several values of one kind any counts, all kinds have to agree."""
        whole = "\n".join((one.case, one.question, one.baseline.text, one.candidate.text)).lower()
        return (
            (not self.categories or one.category in self.categories)
            and (not self.verdicts or bool({one.way, one.word} & set(self.verdicts)))
            and (not self.tags or bool(set(self.tags) & set(one.tags)))
            and (not self.suites or bool({one.suite, one.suite.removeprefix("evals/")} & set(self.suites)))
            and all(word in whole for word in self.words)
        )


def parse_flips_query(text: str, flips: Sequence[Flipped] = ()) -> FlipsQuery:
    """Reads `text`; words that are no token are searched for.

    Raises InputError naming a token that does not exist, or a category, tag or suite that no case of
    `flips` has.
    """
    given: dict[str, list[str]] = {}
    words: list[str] = []
    for word in _split(text):
        name, colon, value = word.partition(":")
        if colon and f"{name}:" in TOKENS:
            given.setdefault(name, []).append(value)
        elif colon and name.isalpha() and value:
            raise InputError(f"{one_line(name, 20)}: is no filter; there are {' '.join(TOKENS)}")
        else:
            words.append(word.lower())
    verdicts = given.get("verdict", [])
    _check("verdict", verdicts, VERDICTS)
    _check("category", given.get("category", []), {one.category for one in flips})
    _check("tag", given.get("tag", []), {tag for one in flips for tag in one.tags})
    return FlipsQuery(
        text=text.strip(),
        categories=tuple(given.get("category", ())),
        verdicts=tuple(_WORDS.get(one, one) for one in verdicts),
        tags=tuple(given.get("tag", ())),
        suites=tuple(given.get("suite", ())),
        words=tuple(words),
    )


def _check(name: str, asked: Sequence[str], known: Sequence[str] | set[str]) -> None:
    odd = next((one for one in asked if one not in known), None)
    if odd is not None:
        ordered = known if isinstance(known, tuple) else sorted(known)
        some = ", ".join(one_line(one, 40) for one in list(ordered)[:8]) or "none"
        raise InputError(f"{name}:{one_line(odd, 40)} matches nothing here; there are {some}")


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is still open while somebody types
        return text.split()
