"""The grader `json_schema`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders import killable
from evals.graders.base import Grade, GradeContext, Spec
from evals.graders.json_answer import json_answer
from store.errors import InputError
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case


def _usable(schema: dict[str, Any]) -> dict[str, Any]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
        outside = next((one for one in _references(schema) if not one.startswith("#")), None)
    except SchemaError as error:
        why = f"is not a JSON schema: {error.json_path}: {one_line(error.message, 100)}"
        raise PydanticCustomError("bad_schema", "{why}", {"why": why}) from None
    except (RecursionError, TypeError, ValueError) as error:
        why = f"is not a JSON schema: {one_line(str(error), 100)}"
        raise PydanticCustomError("bad_schema", "{why}", {"why": why}) from None
    if outside is not None:
        why = f"refers to {one_line(outside, 60)!r}: only references inside the schema (#…) are followed"
        raise PydanticCustomError("bad_schema", "{why}", {"why": why})
    return schema


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(one, str):
                yield one
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


class JsonSchema(Spec):
    """The answer is JSON that the schema accepts; a single fenced block in it counts as the answer."""

    grader: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], AfterValidator(_usable)] = Field(alias="schema")
    """A JSON Schema, draft 2020-12 unless its `$schema` says otherwise."""

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        try:
            value = json_answer(answer.text)
        except InputError as error:
            return Grade.of(False, error.message.rstrip("."))
        violation = await asyncio.to_thread(killable.schema_violation, self.schema_, value)
        return Grade.of(violation is None, violation or "holds the schema")
