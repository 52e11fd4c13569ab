"""The embedded model itself: it stays quiet while it is left alone, and is caught when it is changed."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.operations.add import model
from evals.models.embedded import DEFAULT_MODEL, is_available, running_server
from store.workspace import Workspace
from tests.drift.probe_server import Proxy, serving
from tests.drift.watching import check_on, stored, take_baseline
from tests.support.workspaces import add_prompt, do, made, promote_to, stage_all

needs_packages = pytest.mark.skipif(
    not is_available(), reason="DRIFT OF A REAL MODEL IS NOT TESTED: install lockgate[local]"
)
pytestmark = [needs_packages, pytest.mark.heavy]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(log=tmp_path_factory.mktemp("log") / "engine.log") as running:
        yield running.base_url


def acme(path: Path, url: str | None) -> Workspace:
    """The embedded model in production: by itself, or behind an address."""
    workspace = made(path / "acme")
    add_prompt(workspace, path / "prompt", "Answer.\n")
    do(workspace, model.plan(workspace, "chat", "gguf", DEFAULT_MODEL, base_url=url))
    promote_to(workspace, stage_all(workspace, "prompt/support=v1", "model/chat=v1"))
    return workspace


def token_id(base_url: str, text: str) -> int:
    """The number that the engine gives a token."""
    request = urllib.request.Request(
        base_url.removesuffix("/v1") + "/tokenize", json.dumps({"content": text}).encode()
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        (number,) = json.loads(response.read())["tokens"]
    return int(number)


def test_another_template_is_caught_in_three_checks_and_the_same_never(engine: str, tmp_path: Path) -> None:
    proxy = Proxy(engine)
    with serving(proxy) as served:
        here = acme(tmp_path, served.url)
        take_baseline(here)
        assert stored(here).mode == "logprobs"
        assert {check_on(here, day).outcome for day in (1, 2)} == {"quiet"}
        proxy.system = "You are a helpful assistant."
        assert "drift" in [check_on(here, day).outcome for day in (3, 4, 5)]


def test_a_logit_bias_is_caught_by_border_inputs(engine: str, tmp_path: Path) -> None:
    proxy = Proxy(engine, strips_logprobs=True)
    with serving(proxy) as served:
        here = acme(tmp_path, served.url)
        take_baseline(here)
        kept = stored(here)
        assert kept.mode == "tokens" and kept.near_tied
        assert {check_on(here, day).outcome for day in range(1, 6)} == {"quiet"}
        likeliest = Counter(call[0][0] for one in kept.rounds for call in one).most_common(1)[0][0]
        proxy.bias = {str(token_id(engine, likeliest)): -1.0}
        assert "drift" in [check_on(here, day).outcome for day in (6, 7, 8)]


def test_the_embedded_model_by_itself_stays_quiet(tmp_path: Path) -> None:
    here = acme(tmp_path, None)
    take_baseline(here)
    assert stored(here).served_by.startswith("embedded xllamacpp ")
    assert {check_on(here, day).outcome for day in range(1, 6)} == {"quiet"}
