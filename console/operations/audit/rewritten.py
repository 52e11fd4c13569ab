"""What became of commits that were verified once and are not on `main` any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence

from console.operations.audit.commits import Reading
from console.operations.audit.finding import Finding
from store.errors import LockgateError
from store.git import replay
from store.git.apart import Apart
from store.git.contents import Damaged
from store.signing.wire import Malformed
from store.text import one_line

_NAMED = 5
_RECORD = re.compile(rb"^Lockgate-Op: ([0-9A-Z]{26})$", re.MULTILINE)


def rewritten(reading: Reading, head: str, tip: str, found: Apart) -> Iterator[Finding]:
    """How `main`, at `tip`, differs from the last verified `head`, which it does not stand on."""
    gone = tuple(reversed(found.ours))
    if not found.theirs:
        yield Finding(
            tip,
            "went back",
            f"main was {head[:10]} when it was verified last, and is {_commits(len(gone))} behind it: "
            f"{_named(gone)} gone",
        )
        return
    common = f"{_commits(len(gone))} of it {'is' if len(gone) == 1 else 'are'} not on main any more"
    yield Finding(tip, "rewritten", f"main does not stand on {head[:10]}, which was verified last: {common}")
    yield from _one_by_one(reading, gone, tuple(reversed(found.theirs)))


def lost(head: str, tip: str) -> Finding:
    """The last verified head is nowhere."""
    return Finding(tip, "rewritten", f"{head[:10]}, which was verified last, is not in the store any more")


def _one_by_one(reading: Reading, gone: Sequence[str], there: Sequence[str]) -> Iterator[Finding]:
    pairs = _pairs(reading, gone, there)
    places = {id: number for number, id in enumerate(there)}
    highest, last = -1, ""
    for id in gone:
        if id not in pairs:
            yield Finding(id, "dropped", "it was verified, and is not on main any more")
            continue
        new = pairs[id]
        if (how := _amended(reading, id, new)) is not None:
            yield Finding(id, "amended", f"main has {new[:10]} in its place, with {how}")
        if places[new] < highest:
            yield Finding(
                id, "reordered", f"main has it as {new[:10]}, before {last[:10]}, which came before it"
            )
        else:
            highest, last = places[new], new


def _pairs(reading: Reading, gone: Sequence[str], there: Sequence[str]) -> dict[str, str]:
    """By commit that is gone: the one that took its place, by what they have in common."""
    pairs: dict[str, str] = {}
    for key in (_words, _record, _change, _author):
        old = _by(reading, key, (id for id in gone if id not in pairs))
        new = _by(reading, key, (id for id in there if id not in pairs.values()))
        pairs.update(
            {ids[0]: new[one][0] for one, ids in old.items() if len(ids) == len(new.get(one, ())) == 1}
        )
    return pairs


def _by(
    reading: Reading, key: Callable[[Reading, str], Hashable], ids: Iterator[str]
) -> dict[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = {}
    for id in ids:
        try:
            value = key(reading, id)
        except (Damaged, Malformed, LockgateError):
            continue
        if value is not None:
            found.setdefault(value, []).append(id)
    return found


def _words(reading: Reading, id: str) -> Hashable:
    commit = reading.commit(id)
    return commit.author, commit.message


def _record(reading: Reading, id: str) -> Hashable:
    found = _RECORD.search(reading.commit(id).message)
    return found[1] if found else None


def _change(reading: Reading, id: str) -> Hashable:
    return frozenset(replay.changed(reading.repo, id).items())


def _author(reading: Reading, id: str) -> Hashable:
    return reading.commit(id).author


def _amended(reading: Reading, old: str, new: str) -> str | None:
    """What of the change itself is another one."""
    try:
        before, after = reading.commit(old), reading.commit(new)
        was, now = replay.changed(reading.repo, old), replay.changed(reading.repo, new)
    except (Damaged, Malformed, LockgateError):
        return "something that cannot be read"
    if was != now:
        paths = sorted(path for path in was.keys() | now.keys() if was.get(path) != now.get(path))
        return f"another {one_line(paths[0], 120)}"
    if before.message != after.message:
        return "another message"
    return "another author or time" if before.author != after.author else None


def _named(ids: Sequence[str]) -> str:
    names = ", ".join(id[:10] for id in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{names}{more} {'is' if len(ids) == 1 else 'are'}"


def _commits(count: int) -> str:
    return f"{count:,} commit{'s' if count != 1 else ''}"
