"""Asks one pinned model one thing, over any endpoint that speaks chat completions.

The openai client sends the request and says what went wrong; its retries, its reading of replies and
the headers that it takes from the environment are not wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from evals.models.lane import Lane
from evals.models.pins import served_name
from evals.models.reply import BadReply, Completion, read_reply
from evals.models.retry import Failure, GaveUp, Limits, Patience, status_failure
from prompts.render import Message
from prompts.secrets import redact_secrets
from store.bounded import JSON_LIMIT
from store.errors import InputError, MachineryError
from store.records.versions import ModelPin
from store.text import one_line

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

NO_KEY = "none"
"""Stands where no key is needed, for the client wants one; nothing is sent then."""
REPLY_LIMIT = JSON_LIMIT
"""Bytes of a reply that are read."""
_RESERVED = ("model", "messages", "stream", "stream_options", "n", "tools")
_HEADERS = frozenset(
    (
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "authorization",
        "x-stainless-raw-response",  # the client reads it back from its own request
    )
)


class EndpointError(MachineryError):
    """No answer came. `hopeless` means that no other request to this endpoint would fare better."""

    def __init__(self, message: str, attempts: int = 1, hopeless: bool = False) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.hopeless = hopeless


class Meter(Protocol):
    """Somebody who wants to know what is used."""

    def used(self, messages: Sequence[Message], completion: Completion) -> None:
        """Called with every answer that was paid for."""
        ...


class Endpoint:
    """A pinned model at an address. Use it as `async with`, in one event loop."""

    def __init__(
        self,
        model: ModelPin,
        base_url: str,
        api_key: str = NO_KEY,
        *,
        identity: str | None = None,
        limits: Limits | None = None,
        lane: Lane | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`identity` names the endpoint in cache keys where its address says too much (a random port).
        `lane` is shared by all who ask this endpoint with this key.

        Raises InputError when the model's version sets a parameter that it cannot.
        """
        check_parameters(model)
        self.model = model
        self.base_url = base_url
        self.identity = identity or base_url
        self._api_key = api_key
        self._patience = Patience(limits or Limits(), lane)
        self._meter = meter
        self._body: dict[str, Any] = {k: v for k, v in model.parameters.items() if k != "served_as"}
        self._client: AsyncOpenAI | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.model.id!r}, {self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """The model's answer to `messages`. Raises EndpointError, whose message never holds the key."""
        sent: Any = list(messages)
        client = self._opened()  # before the clock runs: the first time imports what it needs
        try:
            done = await self._patience.run(lambda seconds: self._attempt(client, sent, seconds))
        except GaveUp as error:
            raise self._error(error.failure, error.attempts) from None
        completion = replace(done.value, latency_ms=done.latency_ms, attempts=done.attempts)
        if self._meter is not None:
            self._meter.used(messages, completion)
        return completion

    async def _attempt(self, client: AsyncOpenAI, messages: Any, seconds: float) -> Completion | Failure:
        import openai

        try:
            async with asyncio.timeout(seconds):
                response = await client.chat.completions.with_raw_response.create(
                    model=served_name(self.model), messages=messages, extra_body=self._body
                )
            return read_reply(self.model, response.http_response.content)
        except BadReply as error:
            return Failure(str(error), retry=False)
        except openai.APIStatusError as error:
            said = one_line(error.message, 160)
            return status_failure(error.response.status_code, error.response.headers, said)
        except (TimeoutError, openai.APITimeoutError):
            return Failure(f"nothing came within {seconds:.3g} seconds")
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            if isinstance(cause, BadReply):
                return Failure(str(cause), retry=False)
            return Failure(f"the connection failed ({one_line(str(cause) or type(cause).__name__, 120)})")
        except (openai.OpenAIError, ValueError) as error:
            return Failure(f"the request or its reply is malformed ({type(error).__name__})", retry=False)

    def _error(self, failure: Failure, attempts: int) -> EndpointError:
        tries = f" after {attempts} attempts" if attempts > 1 else ""
        text = f"{one_line(served_name(self.model), 60)} gave no answer{tries}: {failure.what}."
        if self._api_key != NO_KEY:
            text = text.replace(self._api_key, "[…]")
        return EndpointError(redact_secrets(text), attempts, failure.hopeless)

    def _opened(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                base_url=self.base_url,
                api_key=self._api_key,
                max_retries=0,
                http_client=http_client(self.base_url, self._patience.limits),
            )
        return self._client


def check_parameters(model: ModelPin) -> None:
    """Refuses parameters that Lockgate sets itself. Raises InputError."""
    for name in _RESERVED:
        if name in model.parameters:
            raise InputError(f"the parameter {name!r} cannot be part of a model version: Lockgate sets it.")
    served_as = model.parameters.get("served_as")
    if served_as is not None and (not isinstance(served_as, str) or not served_as.strip()):
        raise InputError("the parameter 'served_as' is the name that the server uses: a text.")


def http_client(url: str, limits: Limits) -> httpx2.AsyncClient:
    """A client for one endpoint: no redirects, no headers from the environment, no proxy to loopback."""
    import httpx2

    loopback = url.startswith(("http://127.", "http://localhost", "http://[::1]"))
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(limits.timeout_s, connect=min(10.0, limits.timeout_s)),
        limits=httpx2.Limits(max_connections=256, max_keepalive_connections=64),
        follow_redirects=False,
        trust_env=not loopback,
        verify=not url.startswith("http:"),  # certificates take 0.15 s to read and are not asked for
        event_hooks={"request": [_only_what_is_needed], "response": [_bounded]},
    )


async def _only_what_is_needed(request: httpx2.Request) -> None:
    """Drops headers that the client takes from the environment (organisation, custom ones)."""
    for name in list(request.headers):
        if name.lower() not in _HEADERS:
            del request.headers[name]
    if request.headers.get("authorization") == f"Bearer {NO_KEY}":
        del request.headers["authorization"]


async def _bounded(response: httpx2.Response) -> None:
    """Lets no more than REPLY_LIMIT bytes of a reply in, whatever its status."""
    import httpx2

    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    whole: httpx2.AsyncByteStream = stream

    class Counted(httpx2.AsyncByteStream):
        """The same bytes, as long as there are not too many."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for part in whole:
                size += len(part)
                if size > REPLY_LIMIT:
                    raise BadReply(f"the reply has over {REPLY_LIMIT:,} bytes")
                yield part

        async def aclose(self) -> None:
            await whole.aclose()

    response.stream = Counted()
