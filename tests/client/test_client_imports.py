"""The client is the standard library and itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "client"
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import lockgate_client
for name in sorted(set(sys.modules) - before):
    print(name.partition(".")[0])
"""


def test_it_runs_on_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", PROGRAM, str(CLIENT)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "lockgate_client" in loaded
    assert loaded - {"lockgate_client"} <= set(sys.stdlib_module_names)


def test_it_is_typed_and_carries_the_schema() -> None:
    assert (CLIENT / "lockgate_client" / "py.typed").exists()
    assert (CLIENT / "lockgate_client" / "live.schema.json").exists()
