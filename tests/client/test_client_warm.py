"""An application opens what a new document serves before anybody is served by it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from making_live import document

from lockgate_client import Client
from store.live import publish

Components = Mapping[str, Mapping[str, Any]]


def system(components: Components) -> str:
    return str(components["prompt/support"]["system"])


def test_each_arm_is_warmed_before_it_is_served(tmp_path: Path) -> None:
    path, warmed = tmp_path / "production.json", list[str]()
    publish(path, document(1, system="one"))
    client = Client(path, check_seconds=0, warm=lambda parts: warmed.append(system(parts)))
    assert warmed == ["one"] and system(client.resolve("u").components) == "one"
    publish(path, document(2, percent=5, system="two"))
    assert system(client.resolve("u").components) == "two" and warmed == ["one", "two", "two"]
    client.resolve("u")
    assert len(warmed) == 3 and client.last_error is None


def test_others_go_on_with_the_old_one_while_one_is_warming(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    publish(path, document(1, system="one"))
    begun, go_on = threading.Event(), threading.Event()

    def warm(components: Components) -> None:
        if system(components) == "two":
            begun.set()
            assert go_on.wait(30)

    client = Client(path, check_seconds=0, warm=warm)
    publish(path, document(2, system="two"))
    found: list[str] = []
    opener = threading.Thread(target=lambda: found.append(system(client.resolve("u").components)))
    opener.start()
    assert begun.wait(30)
    assert system(client.resolve("u").components) == "one", "nobody else waits"
    go_on.set()
    opener.join(30)
    assert found == ["two"] and system(client.resolve("u").components) == "two"


def test_what_cannot_be_warmed_is_told_and_served(tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    publish(path, document(1, system="one"))

    def warm(components: Components) -> None:
        if system(components) == "two":
            raise OSError("the server\nis away")

    client = Client(path, check_seconds=0, warm=warm)
    publish(path, document(2, system="two"))
    assert system(client.resolve("u").components) == "two", "it may be a rollback"
    told = client.last_error or ""
    assert told.endswith("what it serves could not be warmed: the server\\nis away") and "\n" not in told
    publish(path, document(3, system="three"))
    assert client.resolve("u").generation == 3 and client.last_error is None
