"""An application in one file: answers a question with the release that Lockgate serves its user.

    uv run python examples/ask.py WORKSPACE "How do I roll back?" --unit user-1

What to serve comes from the live document through `lockgate_client`; what to do with it is the
pipeline that evals run, so what was evaluated is what answers here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.operations.access import embedder, endpoint_settings
from console.operations.index.server import server_at
from evals.answer import Answer
from evals.models.access import resolve_access
from evals.models.embedded import is_embedded, running_server
from evals.models.endpoint import Endpoint
from evals.pipeline import Finder, Pipeline
from lockgate_client import Client, LockgateClientError, Resolution
from prompts.prompt import Example, Prompt
from store.errors import InputError, LockgateError
from store.records.versions import Guardrail, ModelPin, PromptInfo, Rules, Variable
from store.text import safe_text
from store.workspace import Workspace


def main() -> int:
    """Prints the answer and where it came from. Exit code 0, or Lockgate's for what went wrong."""
    wanted = _arguments()
    try:
        workspace = Workspace.find(wanted.workspace)
        client = Client(workspace.live(wanted.env))  # a server makes one when it starts
        served = client.resolve(wanted.unit)
        answer = asyncio.run(ask(workspace, served, wanted.question))
    except LockgateClientError as error:
        print(safe_text(f"{error} Promote a release to {wanted.env} first."), file=sys.stderr)
        return 2
    except LockgateError as error:
        print(safe_text(error.message), file=sys.stderr)
        return error.exit_code
    if answer.error is not None:
        print(safe_text(answer.error), file=sys.stderr)
        return 4
    print(safe_text(_shown(served, answer)))
    return 0


async def ask(workspace: Workspace, served: Resolution, question: str) -> Answer:
    """The answer that `served` gives. A server would keep endpoints and open indexes, one per release."""
    async with contextlib.AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(_endpoint(workspace, _model(served), stack))
        finder = stack.enter_context(_finder(workspace, served))
        return await Pipeline(_prompt(served), endpoint, finder, _guardrails(served)).ask(question)


def _endpoint(workspace: Workspace, model: ModelPin, stack: contextlib.AsyncExitStack) -> Endpoint:
    if is_embedded(model):
        server = stack.enter_context(running_server(model.id))
        return Endpoint(model, server.base_url, identity=server.identity)
    access = resolve_access(model, endpoint_settings(workspace))
    return Endpoint(model, str(access.base_url), access.api_key)


def _parts(served: Resolution, kind: str) -> list[Mapping[str, Any]]:
    return [part for part in served.components.values() if part["kind"] == kind]


def _only(served: Resolution, kind: str) -> Mapping[str, Any]:
    parts = _parts(served, kind)
    if len(parts) != 1:
        raise InputError(
            f"release {served.release} has {len(parts)} components of kind {kind}; this example wants one."
        )
    return parts[0]


def _prompt(served: Resolution) -> Prompt:
    part = _only(served, "prompt")
    examples = tuple(Example(one["user"], one["assistant"]) for one in part["few_shot"])
    variables = tuple(Variable(**one) for one in part["variables"])
    return Prompt(part["system"], examples, PromptInfo(variables=variables))


def _model(served: Resolution) -> ModelPin:
    part = _only(served, "model")
    return ModelPin(
        provider=part["provider"],
        id=part["id"],
        base_url=part["base_url"],
        parameters=dict(part["parameters"]),
    )


def _guardrails(served: Resolution) -> list[Guardrail]:
    return [
        Guardrail(input=Rules(**part["input"]), output=Rules(**part["output"]), refusal=part["refusal"])
        for part in _parts(served, "guardrail")
    ]


def _finder(workspace: Workspace, served: Resolution) -> contextlib.AbstractContextManager[Finder | None]:
    from indexes.opened import Retriever

    parts = _parts(served, "index")
    if not parts:
        return contextlib.nullcontext()
    part = parts[0]
    place = server_at(workspace, part["server"]) if part.get("server") else Path(part["path"])
    return Retriever.open(place, part["collection"], embedder(workspace, part["embedder"]["name"]))


def _shown(served: Resolution, answer: Answer) -> str:
    pins = ", ".join(f"{name}@{part['version']}" for name, part in sorted(served.components.items()))
    sources = ", ".join(dict.fromkeys(passage.source for passage in answer.retrieved)) or "none"
    refused = f"\nrefused by  {answer.refused_by}" if answer.refused_by else ""
    return (
        f"{answer.text}\n\n"
        f"release     {served.release} ({pins})\n"
        f"arm         {served.arm} ({served.reason})\n"
        f"sources     {sources}{refused}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Answers one question with what Lockgate serves a user.")
    parser.add_argument("workspace", help="the folder that `lockgate init` or `lockgate demo` made")
    parser.add_argument("question")
    parser.add_argument("--unit", help="the user; without one the stable release answers")
    parser.add_argument("--env", default="production", help="the environment (production)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
