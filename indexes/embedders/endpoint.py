"""Embeddings from an OpenAI-compatible endpoint, with retries of our own and every reply checked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from indexes.embedders.protocol import EndpointAccess
from indexes.embedders.unit import unit
from store.errors import MachineryError
from store.records.versions import EmbedderIdentity
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_BATCH = 64
_ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 60.0
_TIMEOUT_SECONDS = 60.0
_TRANSIENT = (408, 409, 429)


class Endpoint:
    """`openai:<model>` at one endpoint. The provider's weights are not known, only the model's name."""

    def __init__(
        self, model: str, access: EndpointAccess, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._model = model
        self._access = access
        self._sleep = sleep
        self._dimension: int | None = None
        self._made: Any = None

    @property
    def identity(self) -> EmbedderIdentity:
        """The model's name, and the dimension the endpoint gives; it is asked once. Raises MachineryError."""
        if self._dimension is None:
            self.embed(["dimension"])
        assert self._dimension is not None
        return EmbedderIdentity(name=f"openai:{self._model}", dimension=self._dimension)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """(n, d) unit vectors. Raises MachineryError when the endpoint fails or answers nonsense."""
        import numpy

        if not texts:
            return numpy.empty((0, self.identity.dimension), numpy.float32)
        parts = [self._batch(list(texts[at : at + _BATCH])) for at in range(0, len(texts), _BATCH)]
        return unit(numpy.concatenate(parts))

    def _batch(self, texts: list[str]) -> NDArray[float32]:
        import numpy

        vectors = numpy.array(self._checked(self._ask(texts), len(texts)), dtype=numpy.float32)
        if not numpy.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise self._nonsense("vectors that are zero or not finite")
        return vectors

    def _ask(self, texts: list[str]) -> Any:
        import openai

        client = self._client()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return client.embeddings.create(model=self._model, input=texts, encoding_format="float")
            except openai.APIStatusError as error:
                again = error.status_code in _TRANSIENT or error.status_code >= 500
                wait = _asked_wait(error.response.headers.get("retry-after"))
                failure: Exception = error
            except openai.APIConnectionError as error:
                again, wait, failure = True, None, error
            except (openai.OpenAIError, ValueError) as error:  # the latter: a body that is no JSON
                again, wait, failure = False, None, error
            if not again or attempt == _ATTEMPTS:
                raise MachineryError(self._failed(failure, attempt)) from None
            self._sleep(min(_LONGEST_WAIT_SECONDS, wait if wait is not None else 0.5 * 2 ** (attempt - 1)))
        raise AssertionError("the loop returns or raises")

    def _client(self) -> Any:
        if self._made is None:
            import openai

            self._made = openai.OpenAI(
                base_url=self._access.base_url,
                api_key=self._access.api_key,
                max_retries=0,
                timeout=_TIMEOUT_SECONDS,
            )
        return self._made

    def _checked(self, reply: Any, count: int) -> list[list[float]]:
        """The vectors in the order of the texts; a reply may be HTML, short, shuffled or of any length."""
        data = getattr(reply, "data", None)
        if not isinstance(data, list) or len(data) != count:
            raise self._nonsense(f"no {count} vectors")
        found: dict[Any, Any] = {getattr(one, "index", None): getattr(one, "embedding", None) for one in data}
        if found.keys() != set(range(count)):
            raise self._nonsense("vectors that cannot be told apart")
        vectors = [found[at] for at in range(count)]
        if not all(isinstance(vector, list) and all(map(_is_number, vector)) for vector in vectors):
            raise self._nonsense("something that is no vector")
        lengths = {len(vector) for vector in vectors} | ({self._dimension} if self._dimension else set())
        if len(lengths) != 1 or 0 in lengths:
            raise self._nonsense(f"vectors of different lengths ({', '.join(map(str, sorted(lengths)))})")
        self._dimension = lengths.pop()
        return vectors

    def _nonsense(self, what: str) -> MachineryError:
        model = one_line(self._model)
        return MachineryError(f"the endpoint of openai:{model} answered with {what}; check its URL.")

    def _failed(self, error: Exception, attempts: int) -> str:
        said = str(error)
        if self._access.api_key:
            said = said.replace(self._access.api_key, "…")
        tried = f" after {attempts} attempts" if attempts > 1 else ""
        return f"embedding with openai:{one_line(self._model)} failed{tried}: {one_line(said)}."


def _asked_wait(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None when it is not a number."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
