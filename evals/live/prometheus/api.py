"""The few calls of Prometheus' HTTP API that are needed, and their replies, checked.

A reply that is not what the API promises is a failure of the machinery: never "no data".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from evals.live.prometheus.exchange import ExchangeError, Reply, Request, exchange
from evals.live.prometheus.series import Series, read_matrix
from store.bounded import parse_json
from store.errors import InputError, MachineryError
from store.text import one_line

REPLY_LIMIT = 32 * 1024 * 1024
"""Bytes of one reply."""
_ERROR_LIMIT = 300


class TooMuch(MachineryError):
    """The reply would be larger than is read: ask for less time at once."""


class PrometheusApi:
    """One server. Holds no connection open."""

    def __init__(
        self,
        base_url: str,
        bearer: str | None = None,
        *,
        timeout_s: float = 10.0,
        reply_limit: int = REPLY_LIMIT,
    ) -> None:
        """`base_url` is what stands before /api/v1, `bearer` the token for it, where one is needed."""
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._bearer = bearer
        self._timeout_s = timeout_s
        self._reply_limit = reply_limit

    def __repr__(self) -> str:
        return f"PrometheusApi({self._base_url!r})"

    def samples(self, selector: str, start: float, end: float) -> tuple[Series, ...]:
        """Every sample that was scraped in (start, end], in seconds since 1970.

        A range selector in an instant query gives samples as they were scraped. A range query would
        give what was newest at each step, and repeat it for five minutes when scrapes fail.
        Raises MachineryError, TooMuch.
        """
        milliseconds = max(1, round((end - start) * 1000) + 1)  # versions differ on whether start belongs
        data = self._get("query", {"query": f"{selector}[{milliseconds}ms]", "time": f"{end:.3f}"})
        return tuple(
            kept for one in read_matrix(data, self._base_url) if (kept := one.within(start, end)).times
        )

    def grid(self, expression: str, start: float, end: float, step_s: int) -> tuple[Series, ...]:
        """`expression` at each `step_s` seconds from `start` to `end`. Raises MachineryError, TooMuch."""
        asked = {
            "query": expression,
            "start": f"{start:.3f}",
            "end": f"{end:.3f}",
            "step": f"{step_s}s",
        }
        return read_matrix(self._get("query_range", asked), self._base_url)

    def label_values(self, label: str, selector: str, start: float, end: float) -> tuple[str, ...]:
        """The values of `label` on the series of `selector`. Raises MachineryError, TooMuch."""
        asked = {"match[]": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"}
        data = self._get(f"label/{label}/values", asked)
        if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
            raise self._odd("its list of label values is not a list of texts")
        return tuple(data)

    def _get(self, path: str, asked: Mapping[str, str]) -> Any:
        request = Request("GET", f"{self._base_url}/api/v1/{path}?{urlencode(asked)}", self._headers)
        try:
            reply = exchange(request, timeout_s=self._timeout_s, limit=self._reply_limit)
        except ExchangeError as error:
            raise MachineryError(
                f"Prometheus at {self._base_url} gave no answer: {self._safe(error.message)}. "
                "Nothing is known until it does."
            ) from None
        if reply.status != 200:
            raise self._refused(reply)
        if reply.truncated:
            raise TooMuch(f"Prometheus at {self._base_url} answered with over {self._reply_limit:,} bytes.")
        return self._data(reply)

    def _data(self, reply: Reply) -> Any:
        try:
            document = parse_json(reply.body, "the reply", self._reply_limit)
        except InputError as error:
            raise self._odd(error.message.rstrip(".")) from None
        if not isinstance(document, dict) or document.get("status") != "success" or "data" not in document:
            raise self._odd("its reply is not that of the query API")
        if document.get("warnings"):
            said = one_line(str(document["warnings"]), _ERROR_LIMIT)
            raise self._odd(f"it knows only a part: {self._safe(said)}")
        return document["data"]

    def _refused(self, reply: Reply) -> MachineryError:
        try:
            said = json.loads(reply.body)["error"]
        except (ValueError, KeyError, TypeError, RecursionError):
            said = ""
        text = self._safe(one_line(str(said), _ERROR_LIMIT).rstrip("."))
        if reply.status == 422 and "too many samples" in text:
            return TooMuch(f"Prometheus at {self._base_url} says: {text}.")
        if 300 <= reply.status < 400:
            text = "redirects are not followed; give the address that it leads to"
        if reply.status in (401, 403):
            text = text or "see [keys] in settings.toml"
        return self._odd(f"it answered {reply.status}" + (f" ({text})" if text else ""))

    def _odd(self, what: str) -> MachineryError:
        return MachineryError(f"Prometheus at {self._base_url} cannot be read: {what}.")

    def _safe(self, text: str) -> str:
        return text.replace(self._bearer, "[…]") if self._bearer else text
