"""Threads that read the first record of a kind at once all get it."""

from __future__ import annotations

import subprocess
import sys

_FIRST = """
import threading
from store.records.policy import EnvironmentPolicy, Policy
wrong, gate = [], threading.Barrier(8)
def read():
    gate.wait()
    try:
        made = Policy(environments=(EnvironmentPolicy(name="shop"),))
        assert made.environments[0].name == "shop"
    except BaseException as error:
        wrong.append(repr(error))
threads = [threading.Thread(target=read) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
print(wrong)
"""


def test_eight_threads_read_the_first_policy_of_a_process() -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", _FIRST], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
