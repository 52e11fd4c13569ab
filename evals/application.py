"""Targets that are the application itself: a Python callable, or an HTTP endpoint.

Their answers are never cached: what they run is not in the release's digest.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from evals.answer import Answer, Retrieved
from evals.models.access import EndpointAccess, EndpointSettings, access_url
from evals.models.endpoint import NO_KEY, EndpointError, http_client
from evals.models.lane import Lane, Lanes
from evals.models.retry import Failure, GaveUp, Limits, Patience, status_failure
from prompts.secrets import redact_secrets
from store.bounded import parse_json, validate
from store.errors import InputError, LockgateError
from store.records.base import Strict
from store.text import one_line

if TYPE_CHECKING:
    import httpx2

    from evals.case import Case

_CALLABLE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)


class _Found(Strict):
    """One passage that the application reports."""

    id: str
    source: str = ""
    text: str = ""
    distance: float = 0.0


class _Reply(Strict):
    """What the application gives back."""

    text: str
    retrieved: tuple[_Found, ...] = Field(default=(), max_length=1_000)

    def answer(self, latency_ms: float, attempts: int) -> Answer:
        found = tuple(
            Retrieved(one.id, one.source or one.id, one.text, one.distance) for one in self.retrieved
        )
        return Answer(self.text, found, latency_ms=latency_ms, attempts=attempts)


class PythonTarget:
    """Calls a function of the application with the case's input; it returns text or {text, retrieved?}."""

    def __init__(self, function: Callable[[dict[str, Any]], Any], timeout_s: float = 60.0) -> None:
        self._function = function
        self._timeout_s = timeout_s

    @classmethod
    def load(cls, spec: str, allowed: Sequence[str], timeout_s: float = 60.0) -> Self:
        """Imports the callable named `spec`.

        A suite comes from the store, and so from anybody who can write there: only what this
        machine's settings list in `allowed` (a `module` or `module:function`) is imported.
        Raises InputError.
        """
        match = _CALLABLE.fullmatch(spec)
        shown = one_line(spec, 80)
        if match is None:
            raise InputError(f"{shown!r} names no callable: write package.module:function.")
        module, name = match[1], match[2]
        if spec not in allowed and module not in allowed:
            raise InputError(
                f"the callable {shown!r} is not allowed on this machine: "
                "add it to allowed_callables in settings.toml if you trust it."
            )
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InputError(f"the callable {shown!r} cannot be imported: {one_line(str(error))}.") from None
        if not callable(function):
            raise InputError(f"{shown!r} is not a function.")
        return cls(function, timeout_s)

    async def answer(self, case: Case, repeat: int) -> Answer:  # noqa: ARG002
        """The function's answer to `case`. See Target."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self._timeout_s):
                value = await asyncio.to_thread(self._function, input_of(case))
                if inspect.isawaitable(value):
                    value = await value
            reply = _read_reply(value)
        except TimeoutError:
            return Answer(error=f"the callable gave no answer within {self._timeout_s:g} seconds.")
        except LockgateError as error:
            return Answer(error=error.message)
        except Exception as error:  # the application's own errors are of any kind
            said = redact_secrets(one_line(str(error), 160))
            return Answer(error=f"the callable failed ({type(error).__name__}: {said}).")
        return reply.answer((loop.time() - started) * 1000, 1)


class HttpTarget:
    """Posts {input, release} to the application and reads {text, retrieved?}."""

    def __init__(
        self, access: EndpointAccess, release: str, limits: Limits | None = None, lane: Lane | None = None
    ) -> None:
        """`release` is the id that the application is asked to answer with; `lane` as of Endpoint."""
        if access.base_url is None:
            raise InputError("an http target needs a url.")
        self._url = access.base_url
        self._key = access.api_key
        self._release = release
        self._patience = Patience(limits or Limits(), lane)
        self._client: httpx2.AsyncClient | None = None

    @classmethod
    def open(
        cls,
        url: str,
        release: str,
        settings: EndpointSettings,
        limits: Limits | None = None,
        lanes: Lanes | None = None,
    ) -> Self:
        """The endpoint at `url`, if the settings allow its host. Raises InputError."""
        access = access_url(url, settings)
        return cls(access, release, limits, lanes.of(url, access.api_key) if lanes else None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def answer(self, case: Case, repeat: int) -> Answer:  # noqa: ARG002
        """The endpoint's answer to `case`. See Target."""
        body = json.dumps({"input": input_of(case), "release": self._release}).encode()
        try:
            done = await self._patience.run(lambda seconds: self._attempt(body, seconds))
        except GaveUp as error:
            text = f"the application gave no answer: {error.failure.what}."
            if self._key != NO_KEY:
                text = text.replace(self._key, "[…]")
            text = redact_secrets(text)
            if error.failure.hopeless:
                raise EndpointError(text, error.attempts, hopeless=True) from None
            return Answer(error=text, attempts=error.attempts)
        return done.value.answer(done.latency_ms, done.attempts)

    async def _attempt(self, body: bytes, seconds: float) -> _Reply | Failure:
        import httpx2

        if self._client is None:
            self._client = http_client(self._url, self._patience.limits)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._key != NO_KEY:
            headers["authorization"] = f"Bearer {self._key}"
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.post(self._url, content=body, headers=headers)
        except (TimeoutError, httpx2.TimeoutException):
            return Failure(f"nothing came within {seconds:.3g} seconds")
        except httpx2.HTTPError as error:
            said = one_line(str(error) or type(error).__name__, 120)
            return Failure(f"the connection failed ({said})")
        if response.status_code != 200:
            said = one_line(response.text[:400], 160)
            return status_failure(response.status_code, response.headers, said)
        try:
            return _read_reply(parse_json(response.content, "the reply"))
        except LockgateError as error:
            return Failure(error.message.rstrip("."), retry=False)


def input_of(case: Case) -> dict[str, Any]:
    """The case's input as a dict: {question}, {messages}, or its variables."""
    if isinstance(case.input, str):
        return {"question": case.input}
    if isinstance(case.input, tuple):
        return {"messages": [{"role": turn.role, "content": turn.content} for turn in case.input]}
    return dict(case.input)


def _read_reply(value: object) -> _Reply:
    if isinstance(value, str):
        return _Reply(text=value)
    if not isinstance(value, Mapping):
        raise InputError(f"the reply is {type(value).__name__}, not text or {{text, retrieved}}.")
    return validate(_Reply, dict(value), "the reply")
