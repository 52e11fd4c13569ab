"""The file of answers: many may open it at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from evals.cache import AnswerCache
from evals.models.reply import Completion


@pytest.mark.parametrize("_attempt", range(20))
def test_threads_that_make_the_file_together_all_keep_their_answers(tmp_path: Path, _attempt: int) -> None:
    together = threading.Barrier(6)

    def keep(number: int) -> None:
        together.wait()
        with AnswerCache(tmp_path / "evals.sqlite") as cache:
            cache.put(f"key {number}", Completion(f"answer {number}", "m", "stop"))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with AnswerCache(tmp_path / "evals.sqlite") as cache:
        kept = [cache.get(f"key {number}") for number in range(6)]
    assert [one.text if one else None for one in kept] == [f"answer {number}" for number in range(6)]
