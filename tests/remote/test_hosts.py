"""Hosts say what they serve; whoever lags or is silent is told of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.operations.hosts import Host, exchange, forget, host_name, hosts, report_of
from console.operations.sync.sync import asking, sync
from console.views.overview import needs
from console.views.world import look
from store.clock import FixedClock
from store.errors import InputError
from store.git.hosts import HOSTS, read_reports, write_report
from store.git.remote import Unreachable
from store.records.host import HostReport
from store.workspace import Workspace
from tests.remote.conftest import Pair
from tests.remote.hubs import again, away, git
from tests.support.workspaces import add_basics, add_prompt, promote_to, stage_all


def named(workspace: Workspace, name: str) -> Workspace:
    settings = workspace.root / "settings.toml"
    settings.write_text(f'host = "{name}"\n' + settings.read_text())
    return again(workspace)


def later(workspace: Workspace, **length: float) -> None:
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(**length)


@pytest.fixture
def two(pair: Pair, tmp_path: Path) -> Pair:
    """r1 serves production on both hosts."""
    found = Pair(pair.hub, named(pair.ana, "desk"), named(pair.bo, "web-1"))
    add_basics(found.ana, tmp_path)
    promote_to(found.ana, stage_all(found.ana, "prompt/support", "model/chat"))
    sync(found.bo)
    return found


def both(two: Pair) -> dict[str, Host]:
    """What ana knows after both have reported."""
    exchange(two.bo, asking(two.bo))
    exchange(two.ana, asking(two.ana))
    return {one.report.host: one for one in hosts(two.ana)}


def test_each_says_what_it_serves(two: Pair) -> None:
    found = both(two)
    assert {name: one.word for name, one in found.items()} == {"desk": "ok", "web-1": "ok"}
    assert found["desk"].here and not found["web-1"].here
    serves = {one.environment: one.release for one in found["web-1"].report.serves}
    assert serves == {"staging": "r1", "production": "r1"}
    assert set(git(two.hub, "for-each-ref", "--format=%(refname)").split()) == {
        "refs/heads/main",
        f"{HOSTS}desk",
        f"{HOSTS}web-1",
    }
    assert [one.report.host for one in hosts(two.bo)] == ["web-1"], "it has heard nobody else yet"


def test_who_does_not_follow_is_told_after_a_minute(two: Pair, tmp_path: Path) -> None:
    both(two)
    add_prompt(two.ana, tmp_path / "p2", "Answer at length.\n\n{{context}}\n", what="longer")
    promote_to(two.ana, stage_all(two.ana, "prompt/support"))
    assert both(two)["web-1"].word == "ok", "it has a minute"
    later(two.ana, seconds=90)
    found = both(two)["web-1"]
    assert found.word == "lags"
    assert "serves r1 in production, where r2 is meant" in found.lags
    (need,) = [one for one in needs(look(two.ana)) if one.key == "host/web-1"]
    assert "serves r1" in "".join(part.text for part in need.text)
    sync(two.bo)
    assert both(two)["web-1"].word == "ok"


def test_who_says_nothing_is_missed_until_it_is_forgotten(two: Pair) -> None:
    both(two)
    later(two.ana, minutes=10)
    exchange(two.ana, asking(two.ana))
    assert {one.report.host: one.word for one in hosts(two.ana)} == {"desk": "ok", "web-1": "silent"}
    later(two.bo, minutes=10)
    assert both(two)["web-1"].word == "ok", "the same is said again from time to time"
    later(two.ana, minutes=10)
    forget(two.ana, "web-1", asking(two.ana))
    exchange(two.ana, asking(two.ana))
    assert [one.report.host for one in hosts(two.ana)] == ["desk"]
    with pytest.raises(InputError, match="no host reports as web-1"):
        forget(two.ana, "web-1", asking(two.ana))


def test_the_same_is_not_pushed_twice(two: Pair) -> None:
    both(two)
    before = git(two.hub, "rev-parse", f"{HOSTS}web-1")
    later(two.bo, seconds=30)
    exchange(two.bo, asking(two.bo))
    assert git(two.hub, "rev-parse", f"{HOSTS}web-1") == before


def test_a_report_that_could_not_be_pushed_is_made_again(two: Pair) -> None:
    with away(two.hub), pytest.raises(Unreachable):
        exchange(two.bo, asking(two.bo))
    assert read_reports(two.bo.store) == ()
    assert both(two)["web-1"].word == "ok"


def test_reports_are_not_believed_further_than_they_can_be(two: Pair) -> None:
    both(two)
    mine = report_of(two.bo)
    liar = write_report(two.bo.store, mine.model_copy(update={"host": "other"}))
    two.bo.store.repo.references.create(f"{HOSTS}desk", liar, force=True)
    blob = two.bo.store.repo.create_blob(b"{" * 1000)
    two.bo.store.repo.references.create(f"{HOSTS}odd", str(blob), force=True)
    assert {one.host for one in read_reports(two.bo.store)} == {"web-1", "other"}
    with pytest.raises(ValueError, match="host"):
        HostReport.model_validate({**mine.model_dump(), "host": "../x"})
    assert host_name(two.ana) == "desk"
