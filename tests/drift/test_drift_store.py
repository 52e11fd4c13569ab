"""What drift writes into a store: `check` knows it, follows it through the past, and history shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.operations.check import check
from console.views.marks import kind_mark
from store.workspace import Workspace
from tests.commands.conftest import Lockgate, lockgate
from tests.commands.test_check import Clone
from tests.drift.probe_server import FakeModel, Served, serving
from tests.drift.watching import check_on, made_with, stored, take_baseline

__all__ = ["lockgate"]


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeModel()) as running:
        yield running


@pytest.fixture
def acme(tmp_path: Path, served: Served) -> Workspace:
    """With a baseline and an incident."""
    workspace = made_with(tmp_path, served.url)
    take_baseline(workspace)
    served.answer.name = "someone-else"
    assert check_on(workspace, 1).record is not None
    return workspace


def test_a_store_with_a_baseline_and_an_incident_is_well_and_history_shows_both(
    acme: Workspace, lockgate: Lockgate
) -> None:
    assert check(acme.store).findings == ()
    told = lockgate("-C", acme.root, "history", "--kind", "drift", "--json").data
    summaries = [one["summary"] for one in told["operations"]]
    assert len(summaries) == 2 and "changed under its pin" in summaries[0]
    assert summaries[1].startswith("Took a drift baseline of model/chat@v1")
    assert kind_mark("drift").symbol != kind_mark("unknown").symbol


def test_what_is_wrong_with_a_baseline_or_an_incident_is_one_sentence_each(
    acme: Workspace, tmp_path: Path
) -> None:
    clone = Clone(acme, tmp_path / "clone")
    kept = stored(acme)
    folder = clone.folder / "drift/chat/v1"
    baseline = (folder / f"{kept.id}.toml").read_bytes()
    (incident,) = (folder / "incidents").iterdir()
    other = "01K00000000000000000000000"
    clone.push(
        {
            f"drift/chat/v1/{kept.id}.toml": baseline.replace(b"-0.", b"-1.", 1),
            f"drift/chat/v1/{other}.toml": baseline,
            "drift/chat/v2/note.txt": b"hello",
            f"drift/chat/v1/incidents/{incident.name}": incident.read_bytes().replace(b"r1", b"r7", 1),
        }
    )
    found = check(acme.store).findings
    for said in (
        f"{kept.id}.toml: the document: its rounds are not the ones that its digest was taken of",
        f"drift/chat/v1/{other}.toml says that it is {kept.id}",
        "drift/chat/v2/note.txt does not belong into a store",
        f"the drift incident {incident.stem} names r7",
        f"drift/chat/v1/{kept.id}.toml was changed after it had landed",
    ):
        assert sum(said in one for one in found) == 1, f"{said}: {chr(10).join(found)}"
    clone.push({f"drift/chat/v1/{kept.id}.toml": None, f"drift/chat/v1/{other}.toml": None})
    gone = check(acme.store).findings
    assert any(f"is about the baseline {kept.id}, which model/chat@v1 does not have" in one for one in gone)
