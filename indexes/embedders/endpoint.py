"""Embeddings from an OpenAI-compatible endpoint, with retries of our own and every reply checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from indexes.embedders.protocol import EndpointAccess
from indexes.embedders.refusal import ASKING_SECONDS, BUILDING_SECONDS, Patience, Refusal, refusal_of
from indexes.embedders.unit import unit
from store.clock import Clock, SystemClock
from store.errors import MachineryError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.versions import EmbedderIdentity
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

BATCH_TEXTS, BATCH_CHARACTERS = 64, 200_000
"""Of one request, at most; a longer text goes alone. Providers take some 300,000 tokens."""
_TIMEOUT_SECONDS = 60.0
_NO_KEY = "none"
"""What is sent where there is no key."""
_LOOK_SECONDS = 0.25
"""How often it is looked whether to stop waiting."""


class Endpoint:
    """`openai:<model>` at one endpoint. The provider's weights are not known, only the model's name."""

    def __init__(
        self,
        model: str,
        access: EndpointAccess,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock | None = None,
    ) -> None:
        self._model = model
        self._access = access
        self._sleep = sleep
        self._clock = clock or SystemClock()
        self._dimension: int | None = None
        self._made: Any = None
        self._report: Report = silent
        self._stop: Stop = never
        self._patience_s = ASKING_SECONDS

    def attend(self, report: Report, stop: Stop) -> None:
        """See `Waiting`."""
        self._report, self._stop = report, stop
        self._patience_s = BUILDING_SECONDS

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
        parts = [self._batch(batch) for batch in batches(texts)]
        return unit(numpy.concatenate(parts))

    def _batch(self, texts: list[str]) -> NDArray[float32]:
        import numpy

        vectors = numpy.array(self._checked(self._ask(texts), len(texts)), dtype=numpy.float32)
        if not numpy.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise self._nonsense("vectors that are zero or not finite")
        return vectors

    def _ask(self, texts: list[str]) -> Any:
        patience = Patience(self._patience_s)
        while True:
            outcome = self._attempt(texts)
            if not isinstance(outcome, Refusal):
                return outcome
            wait = patience.next_wait(outcome)
            if wait is None:
                tried = f" after {patience.attempts} attempts" if patience.attempts > 1 else ""
                name = f"openai:{one_line(self._model)}"
                raise MachineryError(f"embedding with {name} failed{tried}: the endpoint {outcome.what}.")
            self._wait(wait, outcome)

    def _attempt(self, texts: list[str]) -> Any:
        """The reply, whatever it is, or the Refusal."""
        import openai

        try:
            return self._client().embeddings.create(model=self._model, input=texts, encoding_format="float")
        except openai.APIStatusError as error:
            code, said = str(error.code or ""), self._without_key(_said(error))
            return refusal_of(error.status_code, error.response.headers, said, code, self._clock.now())
        except openai.APITimeoutError:
            return Refusal(f"did not answer within {_TIMEOUT_SECONDS:.0f} seconds")
        except openai.APIConnectionError as error:
            cause = self._without_key(str(error.__cause__ or error))
            return Refusal(f"cannot be reached ({one_line(cause, 200)})")
        except (openai.OpenAIError, ValueError) as error:  # the latter: a body that is no JSON
            said = self._without_key(str(error))
            return Refusal(f"answered what cannot be read ({one_line(said, 200)})", retry=False)

    def _wait(self, seconds: float, refusal: Refusal) -> None:
        self._report(Progress("waiting", note=f"{seconds:.0f} s: the endpoint {refusal.what}"))
        while seconds > 0:
            check(self._stop, "building the index")
            self._sleep(min(seconds, _LOOK_SECONDS))
            seconds -= _LOOK_SECONDS

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

    def _without_key(self, said: str) -> str:
        key = self._access.api_key
        return said.replace(key, "…") if len(key) > len(_NO_KEY) else said


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """`texts` as the requests that they become."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH_TEXTS or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _said(error: Any) -> str:
    """The endpoint's own words, without what the client library puts around them."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else error.response.text[:1000]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
