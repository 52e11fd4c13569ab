"""Asks a pinned model for one token."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from evals.drift.reply import Probe, read_probe
from evals.models.endpoint import NO_KEY, REPLY_LIMIT, http_client
from evals.models.lane import Lane
from evals.models.pins import served_name
from evals.models.reply import BadReply, error_said
from evals.models.retry import Failure, GaveUp, Limits, Patience, status_failure
from prompts.secrets import redact_secrets
from store.errors import MachineryError
from store.records.versions import ModelPin
from store.text import one_line

if TYPE_CHECKING:
    import httpx2

_OURS = frozenset(
    (
        "served_as", "stop", "seed", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k",
        "min_p", "logprobs", "top_logprobs", "response_format",
    )
)  # fmt: skip
"""Parameters of a model version that a probe leaves out or sets itself."""
_REFUSED = (400, 422)


class ProbeError(MachineryError):
    """No token came. `refused` means that the endpoint does not take what was asked, whoever asks."""

    def __init__(self, message: str, refused: bool = False, hopeless: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
        self.hopeless = hopeless


class _Refused(Failure):
    """The endpoint understood, and does not want to."""


class Prober:
    """A pinned model at an address, asked for one token at a time. Use it as `async with`, in one loop."""

    def __init__(
        self,
        model: ModelPin,
        base_url: str,
        api_key: str = NO_KEY,
        *,
        served_by: str = "",
        limits: Limits | None = None,
        lane: Lane | None = None,
    ) -> None:
        """`served_by` says what answers, where this machine knows: the engine of an embedded model."""
        self.model = model
        self.served_by = served_by
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._base_url = base_url
        self._api_key = api_key
        self._patience = Patience(limits or Limits(), lane)
        self._body = {name: value for name, value in model.parameters.items() if name not in _OURS}
        long = "max_completion_tokens" in model.parameters
        self._body["max_completion_tokens" if long else "max_tokens"] = 1
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if api_key != NO_KEY:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(self, prompt: str, *, temperature: float, tops: int = 0) -> Probe:
        """The first token after `prompt`, and where `tops` is above 0 the most likely ones.

        Raises ProbeError, whose message never holds the key.
        """
        asked: dict[str, Any] = {
            **self._body,
            "model": served_name(self.model),
            "messages": [{"role": "user", "content": prompt}],
            "temperature": temperature,
        }
        if tops:
            asked |= {"logprobs": True, "top_logprobs": tops}
        sent = json.dumps(asked).encode()
        try:
            return (await self._patience.run(lambda seconds: self._attempt(sent, seconds))).value
        except GaveUp as error:
            raise self._error(error.failure) from None

    async def _attempt(self, sent: bytes, seconds: float) -> Probe | Failure:
        import httpx2

        if self._client is None:
            self._client = http_client(self._base_url, self._patience.limits)
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream("POST", self._url, content=sent, headers=self._headers) as response,
            ):
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > REPLY_LIMIT:
                        return Failure(f"the reply has over {REPLY_LIMIT:,} bytes", retry=False)
            if response.status_code == 200:
                return read_probe(body)
        except BadReply as error:
            return Failure(str(error), retry=False)
        except (TimeoutError, httpx2.TimeoutException):
            return Failure(f"nothing came within {seconds:.3g} seconds")
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            return Failure(f"the connection failed ({one_line(str(error) or type(error).__name__, 120)})")
        failure = status_failure(response.status_code, response.headers, error_said(body))
        return _Refused(failure.what, retry=False) if response.status_code in _REFUSED else failure

    def _error(self, failure: Failure) -> ProbeError:
        text = f"{one_line(served_name(self.model), 60)} gave no token: {failure.what}."
        if self._api_key != NO_KEY:
            text = text.replace(self._api_key, "[…]")
        return ProbeError(redact_secrets(text), isinstance(failure, _Refused), failure.hopeless)
