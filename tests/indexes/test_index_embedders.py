from __future__ import annotations

import hashlib
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.embedders import EndpointAccess, get_embedder
from indexes.embedders.endpoint import Endpoint
from indexes.embedders.minilm import WEIGHTS_SHA256
from indexes.embedders.refusal import Patience, Refusal, refusal_of
from store.errors import Cancelled, InputError, MachineryError
from store.progress import Progress

Reply = tuple[int, dict[str, str], bytes]


def test_an_unknown_name_lists_the_choices() -> None:
    for name in ("bert", "", "openai:", "openai: ", "minilm "):
        with pytest.raises(InputError, match="minilm, openai:<model>, chroma-default, lexical"):
            get_embedder(name)
    with pytest.raises(InputError, match="needs an endpoint and a key"):
        get_embedder("openai:text-embedding-3-small")


@given(st.lists(st.text(max_size=60), max_size=6))
def test_lexical_gives_unit_vectors_whatever_the_text(texts: list[str]) -> None:
    vectors = get_embedder("lexical").embed(texts)
    assert vectors.shape == (len(texts), 384) and vectors.dtype == numpy.float32
    assert numpy.allclose((vectors.astype("f8") ** 2).sum(axis=1), 1, atol=1e-6)
    alone = [get_embedder("lexical").embed([text])[0] for text in texts]
    assert all((one == together).all() for one, together in zip(alone, vectors, strict=True))


def test_lexical_never_changes_and_is_near_for_like_words() -> None:
    vectors = get_embedder("lexical").embed(
        ["How do I return a parcel?", "Returning parcels: how do you do it", "Opening hours on Monday"]
    )
    assert (
        hashlib.sha256(vectors.astype("<f4").tobytes()).hexdigest()
        == "c03dbec0c6fcb6261eb8eb1858b0cf1d88247b26f9b6572419929a6a2186031c"
    )
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > 0.3 > far


@pytest.fixture(scope="module")
def minilm() -> Any:
    embedder = get_embedder("minilm")
    try:
        embedder.embed(["ready?"])
    except MachineryError as error:
        warnings.warn(f"minilm is NOT tested: {error.message}", stacklevel=1)
        pytest.skip(error.message)
    return embedder


def test_minilm_knows_what_words_mean(minilm: Any) -> None:
    vectors = minilm.embed(
        ["How can I get my money back?", "Refunds are paid within five days.", "The office has green walls."]
    )
    assert vectors.shape == (3, 384) and vectors.dtype == numpy.float32
    assert numpy.allclose(numpy.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.35
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.25
    assert minilm.identity.weights == f"sha256:{WEIGHTS_SHA256}"


def test_minilm_stays_where_it_was(minilm: Any) -> None:
    vector = minilm.embed(["Refunds are paid within five days."])[0]
    golden = numpy.array(json.loads((Path(__file__).parent / "minilm_golden.json").read_text()))
    assert vector @ golden > 0.9999  # processors differ in the last bits


def test_minilm_gives_a_text_the_same_vector_in_any_company(minilm: Any) -> None:
    texts = ["short", "a somewhat longer text about parcels and couriers", "word " * 400, "end"]
    together = minilm.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert vector @ minilm.embed([text])[0] > 0.99999


def test_minilm_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from indexes.embedders import minilm as module

    monkeypatch.setattr(module, "_WEIGHTS", ("no_such_package", "model.onnx", "0" * 64))
    module._loaded.cache_clear()
    with pytest.raises(MachineryError, match=r"no-such-package, which is not installed; .*lockgate\[local\]"):
        get_embedder("minilm").embed(["x"])
    monkeypatch.setattr(module, "_WEIGHTS", ("indexes", "__init__.py", "0" * 64))
    with pytest.raises(MachineryError, match="is not the file that minilm was pinned to"):
        get_embedder("minilm").embed(["x"])
    module._loaded.cache_clear()


def test_chroma_default_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    monkeypatch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", tmp_path)
    embedder = get_embedder("chroma-default")
    for ask in (lambda: embedder.embed(["x"]), lambda: embedder.identity):
        with pytest.raises(MachineryError, match="would have to download its weights"):
            ask()
    assert not any(tmp_path.iterdir())


@contextmanager
def endpoint(
    answer: Callable[[int, dict[str, Any]], Reply],
) -> Iterator[tuple[Endpoint, list[Any], list[float]]]:
    """An embedder on a loopback server, with the requests it got and the waits it asked for."""
    asked: list[Any] = []
    waited: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, self.headers["authorization"], body))
            status, headers, data = answer(len(asked), body)
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        access = EndpointAccess(f"http://127.0.0.1:{server.server_port}/v1", "sk-secret")
        yield Endpoint("embed-1", access, waited.append), asked, waited
    finally:
        server.shutdown()
        server.server_close()


def vectors_for(body: dict[str, Any]) -> Reply:
    data = [
        {"object": "embedding", "index": n, "embedding": [3.0, n + 1.0]} for n in range(len(body["input"]))
    ]
    reply = {
        "object": "list",
        "data": data[::-1],
        "model": "embed-1",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    return 200, {}, json.dumps(reply).encode()


def test_endpoint_in_batches_and_in_order() -> None:
    with endpoint(lambda _, body: vectors_for(body)) as (embedder, asked, _):
        vectors = embedder.embed([f"text {n}" for n in range(70)])
        assert embedder.identity.model_dump() == {"name": "openai:embed-1", "weights": None, "dimension": 2}
    assert [len(body["input"]) for _, _, body in asked] == [64, 6]
    assert asked[0][:2] == ("/v1/embeddings", "Bearer sk-secret")
    assert asked[0][2]["encoding_format"] == "float"
    assert numpy.allclose(vectors[:3], [[0.9487, 0.3162], [0.8321, 0.5547], [0.7071, 0.7071]], atol=1e-4)


def test_endpoint_identity_asks_once() -> None:
    with endpoint(lambda _, body: vectors_for(body)) as (embedder, asked, _):
        assert embedder.identity.dimension == embedder.identity.dimension == 2
    assert len(asked) == 1


def test_endpoint_retries_what_passes_and_waits_as_told() -> None:
    def answer(count: int, body: dict[str, Any]) -> Reply:
        if count == 1:
            return 429, {"retry-after": "7"}, b'{"error": {"message": "slow down"}}'
        if count == 2:
            return 503, {}, b"busy"
        if count == 3:
            return 503, {"retry-after": "9999"}, b"busy"
        return vectors_for(body)

    with endpoint(answer) as (embedder, asked, waited):
        assert embedder.embed(["x"]).shape == (1, 2)
    assert len(asked) == 4
    assert sum(waited) == 7.0 + 1.0 + 60.0


def test_endpoint_waits_long_where_there_are_too_many_requests_and_says_so() -> None:
    seen: list[Progress] = []
    slow = (429, {"retry-after": "30"}, b'{"error": {"message": "slow\\u001b[2J down"}}')
    with endpoint(lambda count, body: slow if count <= 12 else vectors_for(body)) as (
        embedder,
        asked,
        waited,
    ):
        embedder.attend(seen.append, lambda: False)
        assert embedder.embed(["x"]).shape == (1, 2)
    assert len(asked) == 13 and sum(waited) == 360
    assert len(seen) == 12 and {step.stage for step in seen} == {"waiting"}
    words = "30 s: the endpoint has too many requests (status 429: slow"
    assert all(words in step.note and "\x1b" not in step.note for step in seen)

    with endpoint(lambda *_: slow) as (embedder, asked, waited):
        with pytest.raises(MachineryError, match="too many requests"):
            embedder.embed(["x"])
        assert sum(waited) <= 120, "a question does not wait as long as a build"


def test_waiting_for_an_endpoint_can_be_cancelled() -> None:
    with endpoint(lambda *_: (429, {"retry-after": "50"}, b"{}")) as (embedder, asked, waited):
        embedder.attend(lambda _: None, lambda: len(waited) >= 3)
        with pytest.raises(Cancelled):
            embedder.embed(["x"])
    assert len(asked) == 1 and len(waited) == 3


def test_no_request_is_larger_than_providers_take() -> None:
    with endpoint(lambda _, body: vectors_for(body)) as (embedder, asked, _):
        embedder.embed(["a" * 90_000, "b" * 90_000, "c" * 90_000, "d" * 300_000, "e"])
    assert [[text[0] for text in body["input"]] for _, _, body in asked] == [["a", "b"], ["c"], ["d"], ["e"]]


def test_endpoint_gives_up_with_a_sentence() -> None:
    with endpoint(lambda *_: (500, {}, b"down")) as (embedder, asked, _):
        with pytest.raises(MachineryError, match="openai:embed-1 failed after 5 attempts"):
            embedder.embed(["x"])
        assert len(asked) == 5
    nobody = Endpoint("embed-1", EndpointAccess("http://127.0.0.1:9/v1", "sk-secret"), lambda _: None)
    with pytest.raises(MachineryError, match=r"after 5 attempts: the endpoint cannot be reached"):
        nobody.embed(["x"])


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "code", "expected"),
    [
        (429, {"retry-after-ms": "250"}, "", (True, 0.25, True)),
        (429, {"retry-after": "Mon, 02 Mar 2026 12:00:09 GMT"}, "", (True, 9.0, True)),
        (429, {"retry-after": "Mon, 02 Mar 2026 11:00:00 GMT"}, "", (True, 0.0, True)),
        (429, {"retry-after": "soon"}, "rate_limit_exceeded", (True, None, True)),
        (429, {"retry-after": "-5"}, "", (True, None, True)),
        (429, {"retry-after": "nan"}, "", (True, None, True)),
        (429, {"retry-after": "9"}, "insufficient_quota", (False, None, False)),
        (503, {"retry-after": "9"}, "", (True, 9.0, True)),
        (503, {}, "", (True, None, False)),
        (500, {}, "", (True, None, False)),
        (408, {}, "", (True, None, False)),
        (400, {"retry-after": "9"}, "", (False, None, False)),
        (401, {}, "", (False, None, False)),
        (404, {}, "", (False, None, False)),
        (413, {}, "", (False, None, False)),
        (302, {}, "", (False, None, False)),
    ],
)
def test_what_a_refusal_means(
    status: int, headers: dict[str, str], code: str, expected: tuple[bool, float | None, bool]
) -> None:
    found = refusal_of(status, headers, "words", code, NOON)
    assert (found.retry, found.wait_s, found.throttled) == expected
    assert f"status {status}" in found.what and "words" in found.what


refusals = st.builds(Refusal, st.just("fails"), st.just(True), st.none() | st.floats(0.5, 1e9), st.booleans())


@settings(deadline=None, max_examples=25)
@given(st.lists(refusals, min_size=250, max_size=250))
def test_no_request_is_tried_for_ever(those: list[Refusal]) -> None:
    patience = Patience()
    waits = [patience.next_wait(one) for one in those]
    given_up = waits.index(None)
    assert sum(wait or 0 for wait in waits[:given_up]) <= 120 + 4 * 60
    assert all(wait is not None and wait <= 60 for wait in waits[:given_up])


def test_endpoint_refusal_is_not_retried_and_the_key_not_shown() -> None:
    denied = b'{"error": {"message": "wrong key sk-secret\\u001b[2J"}}'
    with endpoint(lambda *_: (401, {}, denied)) as (embedder, asked, _):
        with pytest.raises(MachineryError) as caught:
            embedder.embed(["x"])
        assert len(asked) == 1
    assert "sk-secret" not in caught.value.message and "\x1b" not in caught.value.message


def listed(*embeddings: Any, indexes: list[int] | None = None) -> bytes:
    numbers = indexes or list(range(len(embeddings)))
    data = [
        {"object": "embedding", "index": n, "embedding": e} for n, e in zip(numbers, embeddings, strict=True)
    ]
    return json.dumps({"object": "list", "data": data, "model": "m"}).encode()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/html", b"<html>login</html>"),
        ("application/json", b"{}"),
        ("application/json", b'{"data": []}'),
        ("application/json", b'{"data": null}'),
        ("application/json", b'{"data": [1, 2]}'),
        ("application/json", b"not json"),
        ("application/json", listed([1.0, 0.0])),
        ("application/json", listed([1.0, 0.0], [1.0])),
        ("application/json", listed([1.0], [1.0], indexes=[0, 0])),
        ("application/json", listed("base64", "base64")),
        ("application/json", listed([0.0], [0.0])),
        ("application/json", listed([], [])),
        ("application/json", listed([True], [None])),
        ("application/json", b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}'),
    ],
)
def test_endpoint_nonsense_is_one_sentence(kind: str, data: bytes) -> None:
    with (
        endpoint(lambda *_: (200, {"content-type": kind}, data)) as (embedder, _, _),
        pytest.raises(MachineryError, match="openai:embed-1"),
    ):
        embedder.embed(["x", "y"])
