"""Two releases' answers to the same questions. Everything in them is foreign text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.operations.compare import Asked, Compared, Side
from console.views.line import BLANK, HANG, Line, Part, Tone, line, muted
from console.views.table import Column, Row, Table
from console.views.world import World
from prompts.compare import compare_text
from store.text import one_line

_COLUMNS = (
    Column("question", grow=1, least=20),
    Column("words", least=5, most=6),
    Column("likeness", width=8),
    Column("passages", width=8, drop=1),
    Column("      ms", width=15, drop=3),
    Column("    cost", width=19, drop=2),
)
_TITLE, _LONG = 60, 6_000
"""Characters of a passage's beginning, and of an answer, that are shown."""


def pair_line(first: str | None, second: str | None, world: World | None) -> Line:
    """Which two are compared, and where they serve."""
    return line(
        Part(first or "no release", "strong"),
        muted(_where(first, world)),
        "  beside  ",
        Part(second or "no release", "strong"),
        muted(_where(second, world)),
    )


def usual_pair(world: World) -> tuple[str | None, str | None]:
    """What people want to compare first: what serves last, and what may come there next."""
    pointers = world.snapshot.environments()
    serving = [one for one in pointers if one.stable]
    if not serving:
        return None, None
    last = serving[-1]
    rollout = last.rollout
    coming = [rollout.release] if rollout is not None and rollout.active else []
    coming += [last.shadow.release] if last.shadow is not None else []
    coming += [str(one.stable) for one in reversed(serving[:-1])]
    coming += [one.release for one in last.served[1:]]
    return last.stable, next((one for one in coming if one != last.stable), None)


def compared_table(found: Sequence[Compared], empty: Line) -> Table:
    """The questions that were asked, the least alike first."""
    places = sorted(range(len(found)), key=lambda place: _alike(found[place]))
    return Table(_COLUMNS, tuple(_row(place, found[place]) for place in places), empty)


def requests_table(kept: Sequence[Asked]) -> Table:
    """Kept requests to choose from; the key of a row is the request's id."""
    rows = tuple(
        Row(
            str(asked.request_id),
            (
                line(one_line(asked.question, 300)),
                line(muted(asked.served_by or "")),
                line(muted(one_line(asked.served or "", 200))),
            ),
        )
        for asked in kept
    )
    return Table((Column("", grow=2, least=20), Column("", most=8), Column("", grow=1, least=10)), rows)


def side_lines(one: Compared, is_first: bool) -> tuple[Line, ...]:
    """One release's answer: what the other has not is marked."""
    ours, theirs = (one.first, one.second) if is_first else (one.second, one.first)
    return tuple(_side(ours, theirs, is_first))


def asked_lines(one: Compared) -> tuple[Line, ...]:
    """The question, and what the user was answered."""
    lines = [line(Part("? ", "accent"), HANG, one.asked.question)]
    if one.asked.served is not None:
        head = muted(f"  {one.asked.served_by} answered: ")
        lines.append(line(head, HANG, muted(one_line(one.asked.served, 400))))
    return tuple(lines)


def _alike(one: Compared) -> tuple[bool, float, float]:
    failed = one.first.answer.error is not None or one.second.answer.error is not None
    return not failed, one.similarity if one.similarity is not None else float(one.same), one.ranked or 0.0


def _row(place: int, one: Compared) -> Row:
    failed = [side.release for side in (one.first, one.second) if side.answer.error is not None]
    words: Line = line(muted("same")) if one.same else line(Part("other", "accent"))
    if failed:
        words = line(Part("✗ none", "bad"))
    return Row(
        str(place),
        (
            line(one_line(one.asked.question, 300)),
            words,
            line(_share(one.similarity)),
            line(_share(one.overlap)),
            line(muted(f"{one.first.answer.latency_ms:>6,.0f} · {one.second.answer.latency_ms:,.0f}")),
            line(muted(f"{_cost(one.first):>8} · {_cost(one.second)}")),
        ),
    )


def _share(value: float | None) -> str:
    return "       –" if value is None else f"{100 * value:>6.0f} %"


def _cost(side: Side) -> str:
    return "–" if side.usd is None else f"${side.usd:.5f}"


def _where(release: str | None, world: World | None) -> str:
    if release is None or world is None:
        return ""
    names = [one.name for one in world.snapshot.environments() if one.stable == release]
    return f" ({', '.join(names)})" if names else ""


def _side(ours: Side, theirs: Side, is_first: bool) -> Iterator[Line]:
    answer = ours.answer
    tokens = answer.prompt_tokens + answer.completion_tokens
    cost = "cost unknown" if ours.usd is None else _cost(ours)
    told = muted(f"   {answer.latency_ms:,.0f} ms, {tokens:,} tokens, {cost}")
    yield line(Part(ours.release, "strong"), told)
    if answer.refused_by is not None:
        yield line(Part("refused: ", "warn"), HANG, answer.refused_by)
    if answer.error is not None:
        yield line(Part("✗ no answer: ", "bad"), HANG, answer.error)
    else:
        yield from _words(ours, theirs, is_first)
    yield BLANK
    yield from _passages(ours, theirs)


def _words(ours: Side, theirs: Side, is_first: bool) -> Iterator[Line]:
    """The answer; the words that the other one has not are in brackets."""
    text = ours.answer.text[:_LONG]
    if theirs.answer.error is not None:
        yield from (line(one) for one in text.splitlines())
        return
    other = theirs.answer.text[:_LONG]
    wanted = "delete" if is_first else "insert"
    tone: Tone = "removed" if is_first else "added"
    brackets = ("[", "]") if is_first else ("{", "}")
    for one in compare_text(text, other) if is_first else compare_text(other, text):
        if one.op == "equal":
            yield line(one.text)
        elif one.op == wanted:
            yield tuple(
                Part(segment.text)
                if segment.op == "equal"
                else Part(f"{brackets[0]}{segment.text}{brackets[1]}", tone)
                for segment in one.segments
            )


def _passages(ours: Side, theirs: Side) -> Iterator[Line]:
    known = {one.id for one in theirs.answer.retrieved}
    if not ours.answer.retrieved:
        yield line(muted("no passages"))
    for number, one in enumerate(ours.answer.retrieved, 1):
        is_alone = one.id not in known
        mark = Part("+ ", "accent") if is_alone else Part("= ", "muted")
        yield line(
            mark,
            Part(f"{number} ", "muted"),
            HANG,
            Part(one_line(one.source, 80), "strong" if is_alone else "plain"),
            muted(f" {one.distance:.3f} {one_line(one.text, _TITLE)}"),
        )
