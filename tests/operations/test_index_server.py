"""A Chroma server as the place that index versions are served from: a real one, on loopback."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pygit2
import pytest

from console.controller.tick import tick
from console.operations import index_look, rollback, switch
from console.operations.apply import apply_again
from console.operations.drill import drill
from console.operations.index import archive
from console.operations.index.gc import gc
from console.operations.index.settle import settled
from console.operations.index.standby import stand_by
from console.operations.index.sweep import sweep
from console.operations.reconcile import reconcile
from console.operations.rollout import verbs
from indexes.chroma_server import ChromaServer, connected
from lockgate_client import Client
from store.errors import InputError, MachineryError
from store.git.origin import origin
from store.git.repository import Store
from store.live_schema import json_schema
from store.records.component import Pin
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.settings import Settings, load_settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.indexes.making_chroma import chroma_server, free_port, new_database
from tests.operations.rollouts import QUICK
from tests.operations.serving_from import Application, add_version, part_of, served_from, with_versions
from tests.support.workspaces import made, promote_to, stage_all

V1, V2, V3 = (Pin.parse(f"index/handbook@v{n}") for n in (1, 2, 3))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("server") / "data") as (address, _):
        yield address


@pytest.fixture
def server(address: str) -> ChromaServer:
    """A database of its own."""
    return ChromaServer.parse(new_database(address))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_versions(tmp_path_factory.mktemp("template"), 2)


@pytest.fixture
def acme(server: ChromaServer, template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """v2 serves staging and production, which can go back to v1."""
    workspace = served_from(str(server), template, tmp_path)
    with seeding():
        for pin in (V1, V2):
            promote_to(workspace, stage_all(workspace, str(pin)))
        yield workspace


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections that rows are sent to."""
    from chromadb.api.models.Collection import Collection

    sent: list[str] = []
    real = Collection.add

    def add(self: Any, **more: Any) -> None:
        real(self, **more)
        sent.append(self.name)

    monkeypatch.setattr(Collection, "add", add)
    return sent


def names(server: ChromaServer) -> list[str]:
    with connected(server) as client:
        return sorted(one.name for one in client.list_collections())


def test_the_document_names_a_collection_and_a_switch_copies_nothing(
    acme: Workspace, server: ChromaServer, added: list[str]
) -> None:
    part = part_of(acme)
    assert (part.server, part.collection, part.path) == (str(server), "handbook--v2", "")
    assert names(server) == ["handbook--v1", "handbook--v2"]
    written = json.loads(acme.live("production").read_text())
    jsonschema.validate(written, json_schema())
    apply_again(acme, switch.plan(acme, str(V1), "production"), "page 2 is wrong")
    assert part_of(acme).collection == "handbook--v1"
    apply_again(acme, rollback.plan(acme, "production", ("index",)), "it was right")
    assert part_of(acme).collection == "handbook--v2"
    assert not added and not (acme.indexes / "handbook/live").exists(), "no copy, here or there"
    assert reconcile(acme).published == ()


def test_an_application_is_switched_without_a_gap(acme: Workspace, tmp_path: Path) -> None:
    with Application(acme) as application:
        assert application.has_seen("v2")
        apply_again(acme, switch.plan(acme, str(V1), "production"), "back")
        assert application.has_seen("v1")
        add_version(acme, tmp_path, 3)
        promote_to(acme, stage_all(acme, "index/handbook"))
        assert application.has_seen("v3")
        apply_again(acme, rollback.plan(acme, "production"), "back again")
        assert application.has_seen("v1")
    assert not application.troubles and application.client.last_error is None
    found = {
        version: {page for one, page in application.answers if one == version} for version in ("v1", "v2")
    }
    assert found == {"v1": {"page1.md"}, "v2": {"page2.md"}}, "each answer is that of the version it names"
    order = [one for one, _ in application.answers]
    assert [one for at, one in enumerate(order) if at == 0 or order[at - 1] != one] == [
        "v2",
        "v1",
        "v3",
        "v1",
    ]


def test_the_example_application_asks_the_server(acme: Workspace) -> None:
    ask = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "ask.py"))
    served = Client(acme.live("production")).resolve("user-1")
    with ask["_finder"](acme, served) as finder:
        ((passage,),) = finder.query(["page 2 refunds"], 1)
    assert passage.source == "page2.md"


def test_what_a_rollback_would_bring_back_stands_there(
    acme: Workspace, server: ChromaServer, added: list[str]
) -> None:
    assert stand_by(acme).made == () and not added
    with connected(server) as client:
        client.delete_collection("handbook--v1")
        client.delete_collection("handbook--v2")
    assert set(stand_by(acme).made) == {V1, V2}, "also what is served, which nobody else would notice"
    assert sorted(added) == names(server) == ["handbook--v1", "handbook--v2"]


def test_verify_and_drill_ask_the_collection(acme: Workspace, server: ChromaServer) -> None:
    assert index_look.verify(acme, "handbook@v1").collection == "handbook--v1"
    assert all(one.holds for one in drill.rehearse(acme, "production").rehearsed)
    with connected(server) as client:
        collection = client.get_collection("handbook--v1", embedding_function=None)
        collection.add(ids=["foreign"], documents=["x"], embeddings=[[1.0] + [0.0] * 383])
    for broken in (
        lambda: index_look.verify(acme, "handbook@v1"),
        lambda: apply_again(acme, switch.plan(acme, str(V1), "production"), "try"),
    ):
        with pytest.raises(MachineryError, match=r"handbook--v1 .* holds 2 rows, 1 were sealed"):
            broken()
    (said,) = {one.said for one in drill.rehearse(acme, "production").broken}
    assert "handbook--v1" in said and part_of(acme).collection == "handbook--v2"


def test_a_name_that_is_taken_stops_a_promotion(
    acme: Workspace, server: ChromaServer, tmp_path: Path
) -> None:
    with connected(server) as client:
        client.create_collection(
            "handbook--v3", embedding_function=None, metadata={"lockgate.digest": "other"}
        )
    add_version(acme, tmp_path, 3)
    before = acme.store.tip()
    with pytest.raises(MachineryError, match=r"handbook--v3 on .* was made for other content"):
        stage_all(acme, "index/handbook")
    assert acme.store.tip() == before and part_of(acme, "staging").collection == "handbook--v2"


def test_only_what_is_over_is_taken_from_the_server(
    acme: Workspace, server: ChromaServer, tmp_path: Path
) -> None:
    add_version(acme, tmp_path, 3)
    promote_to(acme, stage_all(acme, "index/handbook"))
    with connected(server) as client:
        client.create_collection("theirs", embedding_function=None)
        marks = client.get_collection("handbook--v1", embedding_function=None).metadata
        client.create_collection(
            "handbook--v9", embedding_function=None, metadata={**marks, "lockgate.version": "v9"}
        )
        client.create_collection(
            "elsewhere", embedding_function=None, metadata={**marks, "lockgate.store": "0" * 40}
        )
    every = names(server)
    gone = [one.what for one in gc(acme) if "on the server" in one.what]
    assert gone == [] and names(server) == every, "all are ready for a rollback"
    _wait(acme, days=9)
    apply_again(acme, archive.plan(acme, "handbook@v1"), "its time is over")
    assert settled(acme, "handbook@v1")
    assert names(server) == every, "a machine that has not heard of it may still serve it"
    _wait(acme, days=8)
    (litter,) = [one.what for one in gc(acme, dry_run=True) if "on the server" in one.what]
    assert litter == "collection handbook--v1 on the server" and names(server) == every
    assert "handbook--v1 on the server" in sweep(acme).removed
    assert names(server) == [one for one in every if one != "handbook--v1"]


@pytest.mark.heavy
def test_the_sight_of_a_pin_keeps_a_collection(acme: Workspace, server: ChromaServer) -> None:
    from console.operations.index import pin

    apply_again(acme, pin.plan(acme, "handbook@v1", "audit"), "audit")
    _wait(acme, days=60)
    sweep(acme)
    gc(acme)
    assert names(server) == ["handbook--v1", "handbook--v2"]


def _wait(workspace: Workspace, days: int) -> None:
    workspace.clock.at += timedelta(days=days)  # type: ignore[attr-defined]


def test_settings_move_what_is_served_there_and_back(acme: Workspace, server: ChromaServer) -> None:
    acme.__dict__["settings"] = Settings(embedder="lexical")
    assert set(reconcile(acme).published) == {"staging", "production"}
    part = part_of(acme)
    assert part.server is None and part.collection == "lockgate-handbook" and Path(part.path).is_dir()
    assert "server" not in acme.live("production").read_text(), "documents of copies are as they always were"
    acme.__dict__["settings"] = Settings(embedder="lexical", indexes_server=str(server))
    assert set(reconcile(acme).published) == {"staging", "production"}
    assert part_of(acme).server == str(server)
    assert gc(acme) is not None and Path(part.path).is_dir(), "evals go on asking it"


@pytest.fixture
def stopping(tmp_path: Path) -> Iterator[tuple[Workspace, Any]]:
    """A workspace with steps, v3 staged, and the process of its own server; v2 serves, v1 did."""
    policy = Policy(
        environments=(
            EnvironmentPolicy(name="staging", gate=GatePolicy(required=False)),
            EnvironmentPolicy(
                name="production", gate=GatePolicy(required=False), production=True, rollout=QUICK
            ),
        )
    )
    template = with_versions(tmp_path / "template", 3, policy)
    with chroma_server(tmp_path / "server", free_port()) as (address, process), seeding():
        workspace = served_from(address, template, tmp_path)
        promote_to(workspace, stage_all(workspace, str(V1)))
        stage_all(workspace, str(V2))
        apply_again(workspace, switch.plan(workspace, str(V2), "production", override="test"), "at once")
        stage_all(workspace, str(V3))
        yield workspace, process


def test_a_server_that_is_away_stops_what_moves_forward_and_nothing_that_is_taken_back(
    stopping: tuple[Workspace, Any],
) -> None:
    acme, process = stopping
    promote_to(acme, acme.store.at().environment("staging").stable or "")
    tick(acme)  # a controller begins the first step
    assert part_of(acme, arm="canary").collection == "handbook--v3"
    process.kill()
    process.wait()
    before = acme.store.tip()
    document = acme.live("staging").read_bytes()
    with pytest.raises(MachineryError, match="does not answer") as caught:
        apply_again(acme, switch.plan(acme, str(V1), "staging"), "forward")
    assert caught.value.exit_code == 4 and "\n" not in caught.value.message
    assert acme.store.tip() == before and acme.live("staging").read_bytes() == document

    done = apply_again(acme, verbs.abort(acme, "production"), "bad answers")
    assert part_of(acme).collection == "handbook--v2" and done.record.kind == "abort"
    (problem,) = done.problems
    assert problem.startswith("production: index/handbook@v2 is served without having been looked at: ")
    done = apply_again(acme, rollback.plan(acme, "production"), "this one too")
    assert part_of(acme).collection == "handbook--v1" and "does not answer" in " ".join(done.problems)
    assert (
        acme.store.at().environment("production").generation
        == json.loads(acme.live("production").read_text())["generation"]
    )
    assert "handbook@v" in " ".join(stand_by(acme).problems)

    acme.live("staging").unlink()  # as on a machine that only now hears of v3
    (problem,) = reconcile(acme).problems
    assert problem.startswith("staging is not published: ") and "does not answer" in problem
    assert not acme.live("staging").exists(), "nobody has seen here that v3 stands"


@pytest.mark.heavy
def test_a_server_that_comes_back_is_used_again(stopping: tuple[Workspace, Any], tmp_path: Path) -> None:
    acme, process = stopping
    process.kill()
    process.wait()
    assert len(stand_by(acme).problems) == 3
    with chroma_server(tmp_path / "server", ChromaServer.parse(part_of(acme).server or "").port):
        apply_again(acme, switch.plan(acme, str(V1), "staging"), "it is there again")
        assert part_of(acme, "staging").collection == "handbook--v1" and not stand_by(acme).problems


def test_a_server_that_cannot_be_asked_with_these_settings(acme: Workspace) -> None:
    acme.__dict__["settings"] = Settings(
        embedder="lexical", indexes_server=part_of(acme).server, keys={"127.0.0.1": "LOCKGATE_TEST_NO_KEY"}
    )
    with pytest.raises(InputError, match="LOCKGATE_TEST_NO_KEY is not set"):
        apply_again(acme, switch.plan(acme, str(V1), "production"), "forward")
    done = apply_again(acme, rollback.plan(acme, "production"), "taken back all the same")
    assert part_of(acme).collection == "handbook--v1"
    assert "LOCKGATE_TEST_NO_KEY is not set" in " ".join(done.problems)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "chroma+http://",
        "chroma+http://me:secret@127.0.0.1:8000",
        "chroma+http://127.0.0.1:8000/api",
        "chroma+http://127.0.0.1:8000?token=secret",
        "chroma+http://127.0.0.1:8000\n",
    ],
)
def test_settings_name_a_server_or_nothing(tmp_path: Path, url: str) -> None:
    (tmp_path / "settings.toml").write_text(
        f'format = "lockgate.settings/1"\nindexes_server = {json.dumps(url)}\n'
    )
    with pytest.raises(InputError, match=r"indexes_server.*write chroma\+http://host:port") as caught:
        load_settings(tmp_path / "settings.toml")
    assert "secret" not in caught.value.message and "\n" not in caught.value.message


def test_clones_are_one_store_and_others_are_not(tmp_path: Path) -> None:
    acme = made(tmp_path / "acme")
    clone = pygit2.clone_repository(str(acme.store.path), str(tmp_path / "clone.git"), bare=True)
    assert origin(Store(Path(clone.path))) == origin(acme.store)
    assert origin(made(tmp_path / "other").store) != origin(acme.store)
