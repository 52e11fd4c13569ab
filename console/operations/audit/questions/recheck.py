"""Whether evidence can still be held against what it was about: every digest is computed again."""

from __future__ import annotations

from collections.abc import Iterator

from console.operations.audit.questions.answer import Answer, Asked, Cell, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted
from store.errors import LockgateError
from store.records.component import Component, Pin
from store.records.release import Release, release_digest
from store.records.verdict import Verdict
from store.snapshot import Snapshot
from store.text import one_line

HEAD = ("release", "verdict", "at", "outcome", "cases", "holds", "why")


def recheck(past: Past, asked: Asked) -> Answer:
    """Each verdict of each release that was made in the period."""
    rows: list[tuple[Cell, ...]] = []
    broken = 0
    for id in past.now.release_ids():
        release = past.now.release(id)
        if (asked.since and release.created_at < asked.since) or (
            asked.until and release.created_at >= asked.until
        ):
            continue
        bad_release = "; ".join(_release(past.now, release))
        try:
            verdicts: tuple[Verdict | str, ...] = past.now.verdicts(id) or ("no verdict",)
        except LockgateError as error:
            verdicts = (one_line(error.message),)
        for one in verdicts:
            if isinstance(one, str):
                broken += bool(bad_release) or one != "no verdict"
                rows.append((id, None, None, None, None, "no" if bad_release else "yes", bad_release or one))
                continue
            why = "; ".join(filter(None, (bad_release, *_verdict(past.now, one, release))))
            broken += bool(why)
            rows.append((id, one.id, clock(one.at), one.outcome, one.cases, "no" if why else "yes", why))
    said = (
        f"{counted(len(rows), 'line')} of evidence, {broken} that cannot be held against what it was about."
    )
    return Answer(HEAD, tuple(rows), said, wrong=broken > 0)


def _release(now: Snapshot, release: Release) -> Iterator[str]:
    if release_digest(release.components) != release.digest:
        yield f"the digest of {release.id} is another"
    for pin in release.pins():
        bound = release.components[str(pin.component)].digest
        try:
            if now.digest(pin) != bound:
                yield f"the files of {pin} are not those that were bound"
        except LockgateError as error:
            yield one_line(error.message.rstrip("."))


def _verdict(now: Snapshot, verdict: Verdict, release: Release) -> Iterator[str]:
    if verdict.release_digest != release.digest:
        yield "it judged other components"
    if verdict.baseline and verdict.baseline_digest:
        baseline = now.find_release(verdict.baseline)
        if baseline is None or baseline.digest != verdict.baseline_digest:
            yield f"what it was compared with ({verdict.baseline}) is not there any more"
    for suite, digest in verdict.suites.items():
        component = Component.parse(suite)
        if not any(now.digest(Pin(component, one)) == digest for one in now.versions(component)):
            yield f"no version of {one_line(suite, 80)} has the cases that were run"
