"""The verdicts on a release, and which of them no longer stand on today's graders and margins."""

from __future__ import annotations

from store.records.component import Kind
from store.records.release import Release
from store.records.verdict import Verdict
from store.snapshot import Snapshot


def stale_verdicts(snapshot: Snapshot, release: Release, verdicts: tuple[Verdict, ...]) -> frozenset[str]:
    """The ids of `verdicts` whose graders or policy digest differ from what would be computed now."""
    if not verdicts:
        return frozenset()
    from evals.outcome import grounds
    from evals.suite import parse_suite

    suites = {
        str(pin.component): parse_suite(snapshot.files(pin), str(pin)) for pin in release.pins(Kind.EVALS)
    }
    found: set[str] = set()
    for verdict in verdicts:
        now = grounds(suites, verdict.tier)
        if (verdict.graders_digest, verdict.policy_digest) != (now.graders, now.policy):
            found.add(verdict.id)
    return frozenset(found)
