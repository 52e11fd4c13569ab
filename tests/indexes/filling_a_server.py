"""A process that fills a collection and says after each batch how many rows are done, for tests to kill.

Its one argument is JSON: {"server", "home", "manifest"}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from making_indexes import NAME

from indexes import server_filling
from indexes.chroma_server import ChromaServer
from indexes.server_collection import ensure
from indexes.server_marks import Wanted
from store.progress import Progress
from store.records.versions import IndexManifest

BATCH = 50
STORE = "a" * 40


def say(step: Progress) -> None:
    if step.stage == "filling the server":
        print(step.done, flush=True)


def main() -> None:
    asked = json.loads(sys.argv[1])
    server_filling.BATCH = BATCH
    manifest = IndexManifest.model_validate_json(asked["manifest"])
    server = ChromaServer.parse(asked["server"])
    ensure(server, Path(asked["home"]), Wanted(STORE, NAME, "v1", manifest), report=say)
    print("whole", flush=True)


if __name__ == "__main__":
    main()
