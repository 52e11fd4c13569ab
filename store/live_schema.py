"""The JSON Schema of live documents, for whoever reads them without our client."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from store import live
from store.live import CHECKSUM, FORMAT, LiveDocument
from store.records import versions

_MAY_LACK = ("server",)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file as it is written: with checksum, and only `server` left out."""
    schema = LiveDocument.model_json_schema(mode="serialization")
    _describe(schema)
    schema["title"] = FORMAT
    schema["properties"][CHECKSUM] = {
        "description": "`sha256:` over all else as UTF-8 JSON with sorted keys and no spaces.",
        "pattern": r"^sha256:[0-9a-f]{64}$",
        "title": "Checksum",
        "type": "string",
    }
    for model in (schema, *schema["$defs"].values()):
        model["required"] = [name for name in model["properties"] if name not in _MAY_LACK]
        if "components" in model["properties"]:
            # patternProperties alone lets a key of another form through with any value.
            model["properties"]["components"]["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _describe(schema: dict[str, Any]) -> None:
    """Adds what the source says of each field. Pydantic could do it, for every model at every start."""
    words = _docstrings(inspect.getsource(live)) | _docstrings(inspect.getsource(versions))
    models = {LiveDocument.__name__: schema, **schema["$defs"]}
    for name, model in models.items():
        for field, text in words.get(name, {}).items():
            if field in model["properties"]:
                model["properties"][field]["description"] = text


def _docstrings(source: str) -> dict[str, dict[str, str]]:
    """By class and field: the string that stands below the field."""
    found: dict[str, dict[str, str]] = {}
    for one in ast.parse(source).body:
        if isinstance(one, ast.ClassDef):
            for field, below in zip(one.body, one.body[1:], strict=False):
                if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                    continue
                if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                    found.setdefault(one.name, {})[field.target.id] = inspect.cleandoc(str(below.value.value))
    return found
