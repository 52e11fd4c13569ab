"""Verify: hold every commit since the last verified head against the signers' file of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from console.operations.audit.checkpoint import Checkpoint, held
from console.operations.audit.commits import Reading, examined
from console.operations.audit.finding import Finding
from console.operations.audit.rewritten import lost, rewritten
from console.operations.check import find
from store.errors import InputError, MachineryError
from store.git.apart import apart
from store.git.contents import Contents, Damaged
from store.git.repository import Store
from store.progress import Progress, Report, Stop, never, silent
from store.signing.allowed import Signers
from store.signing.settled import allowed_signers
from store.signing.trust import Trust, read_trust, write_trust
from store.signing.wire import Malformed
from store.workspace import Workspace

MOST = 1_000
"""Findings that are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was held against the signers' file."""

    tip: str
    """The commit (40 hex) that `main` had."""
    commits: int
    """How many were looked at."""
    after: str | None
    """Only what came after it was looked at; None for all from the first."""
    findings: tuple[Finding, ...]
    """At most MOST."""
    more: int = 0
    """Findings that are not told."""

    @property
    def count(self) -> int:
        """Findings in all."""
        return len(self.findings) + self.more

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "ok": not self.count,
            "head": self.tip,
            "commits": self.commits,
            "after": self.after,
            "count": self.count,
            "findings": [{"commit": one.commit, "what": one.what, "why": one.why} for one in self.findings],
        }


def verify(
    workspace: Workspace,
    start: str | None = None,
    *,
    new_signers: bool = False,
    kept: Checkpoint | None = None,
    report: Report = silent,
    stop: Stop = never,
) -> Verified:
    """Verifies what came to `main` since it was verified last, and keeps the new head where all is well.

    `start` is a commit that a person vouches for: what came after it is verified, whatever was before.
    `kept` is a checkpoint that `main` has to stand on. `new_signers` takes the signers' file as it is now and
    verifies from the beginning. Raises InputError where no signers are named or `start` is not on `main`,
    MachineryError when `main` or a file of this machine cannot be read, Cancelled.
    """
    signers = allowed_signers(workspace.settings)
    trust, store, tip = read_trust(workspace.root), workspace.store, workspace.store.tip()
    report(Progress("reading history"))
    reading, contents = Reading(store.repo), Contents(store.repo)
    findings: list[Finding] = []
    if kept is not None and (missed := held(store, kept, tip)) is not None:
        findings.append(missed)
    renewed = trust is not None and trust.signers != signers.digest
    if trust is not None and renewed and not new_signers:
        findings.append(_swapped(trust, signers, tip))
    ids: Sequence[str] = ()
    after = _vouched(store, start, tip) if start is not None else None
    try:
        if start is None and trust is not None:
            after, wrong = _since_last(reading, store, trust, tip)
            findings.extend(wrong)
            after = trust.after if renewed else after
        ids, after = _range(store, after, tip)
    except MachineryError as error:
        findings.append(Finding(tip, "damaged", error.message.rstrip(".")))
    findings.extend(examined(reading, ids, signers, contents, report, stop))
    findings.extend(_as_it_is(reading, contents, tip))
    done = Verified(tip, len(ids), after, tuple(findings[:MOST]), max(0, len(findings) - MOST))
    if not findings:
        _keep(workspace, trust, done, signers, start is not None, renewed)
    return done


def _swapped(trust: Trust, signers: Signers, tip: str) -> Finding:
    return Finding(
        tip,
        "signers changed",
        f"the signers' file was {trust.signers[:17]}… on {trust.verified_at:%Y-%m-%d %H:%M} UTC and is "
        f"{signers.digest[:17]}… now; if that was meant, `lockgate audit verify --new-signers`",
    )


def _vouched(store: Store, start: str, tip: str) -> str:
    id = str(find(store, start).id)
    if not store.is_ancestor(id, tip):
        raise InputError(f"main does not stand on {id[:10]}; name a commit of `lockgate history`.")
    return id


def _since_last(
    reading: Reading, store: Store, trust: Trust, tip: str
) -> tuple[str | None, Sequence[Finding]]:
    """After which commit is to be looked, and what is wrong with how `tip` stands to the last verified
    head."""
    if trust.head not in store.repo:
        return trust.after, [lost(trust.head, tip)]
    found = apart(store.repo, trust.head, tip)
    if not found.ours:
        return trust.head, ()
    oldest = store.commit(found.theirs[-1]).parent_ids if found.theirs else [tip]
    common = str(oldest[0]) if found.has_common and oldest else trust.after
    return common, list(rewritten(reading, trust.head, tip, found))


def _range(store: Store, after: str | None, tip: str) -> tuple[Sequence[str], str | None]:
    """The commits to look at, oldest first, and the one that they come after; all where `tip` does not stand
    on `after`."""
    if after == tip:
        return (), after
    newer = store.since(after, tip) if after is not None else None
    if newer is None:
        return tuple(reversed(store.history(tip))), None
    return tuple(reversed(newer)), after


def _as_it_is(reading: Reading, contents: Contents, tip: str) -> Iterator[Finding]:
    """What `main` holds now, read again although it was verified."""
    try:
        tree = reading.commit(tip).tree
    except (Damaged, Malformed):
        return  # told already where the commit itself was looked at
    for sentence in contents.damage(tree):
        yield Finding(tip, "edited", sentence)


def _keep(
    workspace: Workspace, trust: Trust | None, done: Verified, signers: Signers, vouched: bool, renewed: bool
) -> None:
    goes_on = trust is not None and not vouched and not renewed
    write_trust(
        workspace.root,
        Trust(
            head=done.tip,
            signers=signers.digest,
            verified_at=workspace.clock.now(),
            commits=done.commits + (trust.commits if trust is not None and goes_on else 0),
            after=trust.after if trust is not None and goes_on else done.after,
        ),
    )
