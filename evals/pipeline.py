"""What a release does with a question: the same steps in evals and in an application.

Guardrails look at the input, the pinned index finds passages, the prompt is rendered, the pinned
model answers, guardrails look at the answer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from evals.answer import Answer, Retrieved
from evals.cache import AnswerCache, answer_key
from evals.guard import Refusal, check_input, check_output
from evals.models.endpoint import Endpoint, EndpointError
from evals.models.reply import Completion
from prompts.prompt import Prompt
from prompts.render import Message, render
from store.errors import InputError, LockgateError
from store.records.versions import Guardrail
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

CONTEXT_LIMIT = 48_000
"""Characters of passages that a prompt is given; the farthest that do not fit are left out."""

_REMEMBERED = 10_000
"""Questions whose passages are kept: repeats ask them again."""

_finding = threading.Lock()
"""Embedding fills all cores by itself: two searches at once only get in each other's way."""


class Passage(Protocol):
    """One row that an index found."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def distance(self) -> float: ...


class Finder(Protocol):
    """An open index."""

    def query(self, texts: Sequence[str], k: int) -> Sequence[Sequence[Passage]]:
        """For each of `texts` the `k` nearest passages, nearest first."""
        ...


class Pipeline:
    """One release, ready to answer. A Target."""

    def __init__(
        self,
        prompt: Prompt,
        endpoint: Endpoint,
        retriever: Finder | None = None,
        guardrails: Sequence[Guardrail] = (),
        retrieve: int = 3,
        cache: AnswerCache | None = None,
    ) -> None:
        """`retrieve` is how many passages the prompt is given; `cache` keeps the model's answers."""
        self._prompt = prompt
        self._endpoint = endpoint
        self._retriever = retriever
        self._guardrails = tuple(guardrails)
        self._retrieve = retrieve
        self._cache = cache
        self._found: dict[str, tuple[Retrieved, ...]] = {}

    @property
    def identity(self) -> str:
        """What serves the model: with the release's digest, all that its answers depend on."""
        return self._endpoint.identity

    async def answer(self, case: Case, repeat: int) -> Answer:
        """The answer to `case`. See Target."""
        if isinstance(case.input, tuple):
            turns = [{"role": turn.role, "content": turn.content} for turn in case.input]
            if turns[-1]["role"] != "user":
                raise InputError(f"case {case.id!r}: a conversation has to end with the user's turn.")
            return await self.ask(case.question, history=turns[:-1], repeat=repeat)
        variables = case.input if isinstance(case.input, dict) else {}
        return await self.ask(case.question, variables, repeat=repeat)

    async def ask(
        self,
        question: str,
        variables: Mapping[str, object] | None = None,
        history: Sequence[Message] = (),
        repeat: int = 1,
    ) -> Answer:
        """The answer to `question`, after the turns of `history`; `variables` fill the prompt.

        `repeat` keeps the answers apart that the same question was given before.
        Raises InputError when the prompt cannot be rendered, EndpointError when the endpoint will
        answer nothing. What concerns this one answer only comes back as `Answer.error`.
        """
        values = {**(variables or {}), "question": question}
        passages: tuple[Retrieved, ...] = ()
        try:
            refusal = await self._refused(check_input, question)
            if refusal is not None:
                return Answer(refusal.text, refused_by=refusal.rule)
            passages = await self._passages(question)
            messages = render(self._prompt, {**values, "context": context_text(passages)}, history)
            completion = await self._completion(messages, repeat)
            answer = _answer(completion, passages)
            refusal = await self._refused(check_output, completion.text)
        except InputError:
            raise
        except EndpointError as error:
            if error.hopeless:
                raise
            return Answer(retrieved=passages, attempts=error.attempts, error=error.message)
        except LockgateError as error:
            return Answer(retrieved=passages, error=error.message)
        return answer if refusal is None else replace(answer, text=refusal.text, refused_by=refusal.rule)

    async def _refused(self, check: Callable[[Guardrail, str], Refusal | None], text: str) -> Refusal | None:
        for guardrail in self._guardrails:
            refusal = await asyncio.to_thread(check, guardrail, text)
            if refusal is not None:
                return refusal
        return None

    async def _passages(self, question: str) -> tuple[Retrieved, ...]:
        if self._retriever is None or self._retrieve == 0:
            return ()
        if question not in self._found:
            self._found[question] = await asyncio.to_thread(self._find, self._retriever, question)
        return self._found[question]

    def _find(self, retriever: Finder, question: str) -> tuple[Retrieved, ...]:
        with _finding:
            if question in self._found:
                return self._found[question]
            try:
                rows = retriever.query([question], self._retrieve)[0]
            except LockgateError:
                raise
            except Exception as error:  # the index library's own errors have no common base
                raise EndpointError(
                    f"the index gave no passages ({type(error).__name__}: {one_line(str(error), 120)})."
                ) from None
        found = [Retrieved(row.id, row.source, row.text, float(row.distance)) for row in rows]
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        return _fitting(found)

    async def _completion(self, messages: list[Message], repeat: int) -> Completion:
        if self._cache is None:
            return await self._endpoint.complete(messages)
        key = answer_key(self._endpoint.identity, self._endpoint.model, messages, repeat)
        async with self._cache.turn(key):
            kept = self._cache.get(key)
            if kept is None:
                kept = await self._endpoint.complete(messages)
                self._cache.put(key, kept)
            return kept


def context_text(passages: Sequence[Retrieved]) -> str:
    """`passages` as the prompt gets them: numbered, each with its source."""
    return "\n\n".join(
        f"[{number}] {one_line(passage.source)}\n{passage.text.strip()}"
        for number, passage in enumerate(passages, 1)
    )


def _fitting(found: Sequence[Retrieved]) -> tuple[Retrieved, ...]:
    size = 0
    kept: list[Retrieved] = []
    for passage in found:
        size += len(passage.text)
        if size > CONTEXT_LIMIT:
            break
        kept.append(passage)
    return tuple(kept)


def _answer(completion: Completion, passages: tuple[Retrieved, ...]) -> Answer:
    return Answer(
        text=completion.text,
        retrieved=passages,
        model_returned=completion.model_returned,
        finish_reason=completion.finish_reason,
        latency_ms=completion.latency_ms,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        attempts=completion.attempts,
        cached=completion.cached,
    )
