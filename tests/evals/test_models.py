"""Pins, access and endpoints. Every fault is met over a real socket; none is scored, none shows the key."""

import asyncio
import json
import ssl
from pathlib import Path

import pytest

from evals.models.access import OPENAI_URL, EndpointSettings, resolve_access
from evals.models.endpoint import Endpoint, EndpointError, http_client
from evals.models.pins import answers_for, judge, require_pinned, served_name, verdict
from evals.models.retry import Limits
from store.errors import InputError
from store.records.versions import ModelPin, Waiver
from tests.evals.server import MODEL, NEVER_AN_ANSWER, FaultServer

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/model_pins.json").read_text())["vectors"]
KEY = "sk-canary-0123456789abcdefghij"
QUICK = Limits(attempts=3, timeout_s=0.5, deadline_s=2.0, backoff_s=0.01, longest_wait_s=0.02)
PIN = ModelPin(provider="openai", id=MODEL, parameters={"temperature": 0, "top_k": 5})
ASK = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def server():
    with FaultServer() as running:
        yield running


# Pins


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['provider']}-{one['id'][:30]}")
def test_pin_vectors(vector) -> None:
    found = judge(vector["provider"], vector["id"])
    assert found.verdict == vector["verdict"]
    assert found.because


@pytest.mark.parametrize(
    ("provider", "model_id", "said"),
    [
        ("nobody", "x-2026-01-01", "unknown"),
        ("openai", "gpt-4o-2024-08-06\n", "unknown"),
        ("openai", "x" * 400, "unknown"),
        ("openai", "ft:gpt-4o:acme::1", "floating"),
        ("anthropic", "claude-opus-4-20250514", "pinned"),
        ("anthropic", "claude-sonnet-4-6-latest", "floating"),
        ("bedrock", "us.anthropic.claude-sonnet-4-6", "pinned"),
        ("gguf", "a.gguf#sha256:123", "floating"),
        ("hf", "org/model@main", "floating"),
    ],
)
def test_more_pins(provider: str, model_id: str, said: str) -> None:
    assert verdict(provider, model_id) == said


def test_only_pinned_models_may_be_added() -> None:
    require_pinned(ModelPin(provider="openai", id="gpt-4o-2024-08-06"))
    with pytest.raises(InputError, match=r"'gpt-4o' of 'openai' is floating.*dated id"):
        require_pinned(ModelPin(provider="openai", id="gpt-4o"))
    with pytest.raises(InputError, match="waiver"):
        require_pinned(ModelPin(provider="azure", id="my-deployment"))
    require_pinned(ModelPin(provider="azure", id="my-deployment", waiver=Waiver(reason="checked", by="Ada")))
    with pytest.raises(InputError, match="floating"):
        require_pinned(ModelPin(provider="openai", id="gpt-4o", waiver=Waiver(reason="no", by="Ada")))


@pytest.mark.parametrize(
    ("provider", "model_id", "sent", "returned"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("ollama", "llama3:8b@sha256:" + "a" * 64, "llama3:8b", "llama3:8b"),
        ("gguf", "m.gguf#sha256:" + "a" * 64, "m.gguf", "m.gguf"),
        ("hf", "org/m@" + "0" * 40, "org/m", "org/m"),
        ("azure", "chat@2024-08-06+NoAutoUpgrade", "chat", "gpt-4o-2024-08-06"),
    ],
)
def test_what_is_sent_and_what_may_come_back(provider: str, model_id: str, sent: str, returned: str) -> None:
    pin = ModelPin(provider=provider, id=model_id)
    assert served_name(pin) == sent
    assert answers_for(pin, returned)
    assert not answers_for(pin, "another")
    assert not answers_for(pin, "")


# Access


def test_access_without_an_address() -> None:
    settings = EndpointSettings(("api.openai.com",), {"api.openai.com": "MY_KEY"})
    pin = ModelPin(provider="openai", id="gpt-4o-2024-08-06")
    access = resolve_access(pin, settings, {"MY_KEY": KEY})
    assert (access.base_url, access.api_key) == (OPENAI_URL, KEY)
    assert KEY not in repr(access)
    embedded = ModelPin(provider="gguf", id="m.gguf#sha256:" + "a" * 64)
    assert resolve_access(embedded, EndpointSettings()).base_url is None
    with pytest.raises(InputError, match="has no address"):
        resolve_access(ModelPin(provider="mistral", id="mistral-large-2411"), settings)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://evil.example/v1", "'evil.example' is not allowed"),
        ("http://good.example/v1", "not encrypted"),
        ("http://127.0.0.1.evil.example/v1", "not encrypted"),
        ("https://good.example@evil.example/v1", "user name or password"),
        ("https://user:pw@good.example/v1", "user name or password"),
        ("https://169.254.169.254/latest", "link-local"),
        ("http://169.254.169.254/latest", "not encrypted"),
        ("http://2130706433/v1", "not encrypted"),
        ("https://0x7f000001/v1", "not allowed"),
        ("file:///etc/passwd", "not an address"),
        ("ftp://good.example/", "neither https nor http"),
        ("https://good.example/v1?key=1", "query"),
        ("https://good.example/v1#x", "fragment"),
        ("https://good.example:99999/", "not an address"),
        ("https://good.example\x1b[2J/", "not an address"),
        ("https://", "not an address"),
        ("", "not an address"),
        ("https://good.example.evil.example/v1", "not allowed"),
        ("https://good.example:8443/v1", None),
        ("https://GOOD.example/v1", None),
        ("https://ported.example:8000/v1", None),
        ("https://ported.example:8001/v1", "not allowed"),
        ("http://localhost:11434/v1", None),
        ("http://[::1]:8000/v1", None),
    ],
)
def test_only_allowed_addresses(url: str, said: str | None) -> None:
    settings = EndpointSettings(("good.example", "ported.example:8000"))
    pin = ModelPin(provider="ollama", id="x", base_url=url)
    if said is None:
        assert resolve_access(pin, settings, {}).base_url == url
        return
    with pytest.raises(InputError) as caught:
        resolve_access(pin, settings, {})
    assert said in caught.value.message
    assert "pw" not in caught.value.message and "\x1b" not in caught.value.message


def test_keys_go_to_their_host_only() -> None:
    settings = EndpointSettings(("a.example", "b.example"), {"a.example": "A_KEY"})
    a = ModelPin(provider="hf", id="x", base_url="https://a.example/v1")
    b = ModelPin(provider="hf", id="x", base_url="https://b.example/v1")
    assert resolve_access(a, settings, {"A_KEY": KEY}).api_key == KEY
    assert resolve_access(b, settings, {"A_KEY": KEY}).api_key != KEY
    with pytest.raises(InputError, match="A_KEY is not set"):
        resolve_access(a, settings, {})
    with pytest.raises(InputError, match="A_KEY holds characters"):
        resolve_access(a, settings, {"A_KEY": "a\nb"})


# Endpoints


async def test_an_answer(server: FaultServer) -> None:
    async with Endpoint(PIN, server.url(), KEY, limits=QUICK) as endpoint:
        answer = await endpoint.complete(ASK)
    assert (answer.text, answer.model_returned, answer.finish_reason) == ("ok hello", MODEL, "stop")
    assert (answer.prompt_tokens, answer.completion_tokens, answer.attempts) == (5, 2, 1)
    assert answer.latency_ms > 0
    sent = server.requests[-1]
    assert sent.body == {"model": MODEL, "messages": ASK, "temperature": 0, "top_k": 5}
    assert sent.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["https://a.example/v1", "HTTPS://a.example/v1", "https://127.0.0.1:8443/v1"])
async def test_whoever_is_called_over_tls_has_to_prove_who_they_are(url: str) -> None:
    context = http_client(url, QUICK)._transport._pool._ssl_context
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


async def test_nothing_of_the_environment_is_sent(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: header-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
        await endpoint.complete(ASK)
    assert "secret" not in str(server.requests[-1].headers)


@pytest.mark.parametrize("fault", NEVER_AN_ANSWER)
async def test_faults_are_never_answers(server: FaultServer, fault: str) -> None:
    async with Endpoint(PIN, server.url(fault), KEY, limits=QUICK) as endpoint:
        with pytest.raises(EndpointError) as caught:
            await endpoint.complete(ASK)
    message = caught.value.message
    assert KEY not in message and KEY[:16] not in message
    assert message.startswith(MODEL) and "\n" not in message and len(message) < 400
    assert caught.value.attempts == server.count(fault)
    assert server.count("trap") == 0
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [("429", 3), ("500", 3), ("cut", 3), ("hang", 3), ("400", 1), ("401", 1), ("html", 1)],
)
async def test_only_what_can_heal_is_tried_again(fault: str, attempts: int) -> None:
    limits = Limits(attempts=3, timeout_s=0.1, deadline_s=2.0, backoff_s=0.01, longest_wait_s=0.02)
    with FaultServer() as server:
        async with Endpoint(PIN, server.url(fault), KEY, limits=limits) as endpoint:
            with pytest.raises(EndpointError) as caught:
                await endpoint.complete(ASK)
        assert server.count(fault) == caught.value.attempts == attempts
        assert caught.value.hopeless == (fault == "401")


@pytest.mark.parametrize(("fault", "attempts"), [("429-then-ok", 3), ("429-date", 2), ("500-then-ok", 2)])
async def test_what_heals_is_an_answer(fault: str, attempts: int) -> None:
    with FaultServer() as server:
        async with Endpoint(PIN, server.url(fault), KEY, limits=QUICK) as endpoint:
            answer = await endpoint.complete(ASK)
    assert (answer.text, answer.attempts) == ("ok hello", attempts)


async def test_a_refused_connection() -> None:
    async with Endpoint(PIN, "http://127.0.0.1:1/v1", KEY, limits=QUICK) as endpoint:
        with pytest.raises(EndpointError, match="after 3 attempts: the connection failed"):
            await endpoint.complete(ASK)


async def test_the_deadline_holds_over_all_attempts(server: FaultServer) -> None:
    limits = Limits(attempts=100, timeout_s=0.2, deadline_s=0.5, backoff_s=0.01)
    async with Endpoint(PIN, server.url("hang"), KEY, limits=limits) as endpoint:
        async with asyncio.timeout(3):
            with pytest.raises(EndpointError):
                await endpoint.complete(ASK)


async def test_a_wait_is_for_all_requests() -> None:
    limits = Limits(attempts=2, timeout_s=1, deadline_s=3, backoff_s=0.01, longest_wait_s=0.2)
    with FaultServer() as server:
        async with Endpoint(PIN, server.url("429-long"), KEY, limits=limits) as endpoint:
            loop = asyncio.get_running_loop()
            first = asyncio.create_task(endpoint.complete(ASK))
            while not server.requests:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            started = loop.time()
            with pytest.raises(EndpointError):
                await endpoint.complete(ASK)
            assert loop.time() - started > 0.1
            with pytest.raises(EndpointError):
                await first


async def test_a_refusal_in_its_own_field_is_an_answer() -> None:
    from evals.models.reply import read_reply

    body = json.dumps(
        {
            "model": MODEL,
            "choices": [{"finish_reason": "stop", "message": {"content": None, "refusal": "I cannot."}}],
        }
    )
    assert read_reply(PIN, body.encode()).text == "I cannot."


def test_parameters_that_are_not_for_versions() -> None:
    with pytest.raises(InputError, match="'stream' cannot be part"):
        Endpoint(ModelPin(provider="openai", id=MODEL, parameters={"stream": True}), "http://127.0.0.1/v1")


async def test_the_name_that_a_server_uses(server: FaultServer) -> None:
    pin = ModelPin(provider="hf", id="org/m@" + "0" * 40, parameters={"served_as": MODEL, "seed": 1})
    async with Endpoint(pin, server.url(), limits=QUICK) as endpoint:
        assert (await endpoint.complete(ASK)).model_returned == MODEL
    assert server.requests[-1].body == {"model": MODEL, "messages": ASK, "seed": 1}
