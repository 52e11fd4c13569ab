"""Programs that observe, for tests that run them as processes of their own: `python FILE NAME ARGUMENT…`."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from lockgate_client import Client


def observe(live: str, name: str, number: str) -> None:
    """Observes `number` requests and ends; tells how many were dropped."""
    client = Client(live)
    for one in range(int(number)):
        unit = f"user-{one % 1000}"
        client.observe(client.resolve(unit), request_id=f"{name}/{one}", unit=unit, latency_ms=one % 700)
        if one % 1000 == 999:
            client.flush(30)
    client.close(60)
    print(client.dropped, client.last_observe_error)


def overflow(live: str, name: str, number: str) -> None:
    """The same with a queue that is too short, and without ever waiting."""
    client = Client(live, queue_limit=200)
    for one in range(int(number)):
        client.observe(client.resolve("u"), request_id=f"{name}/{one}")
    client.close(60)
    print(client.dropped, client.last_observe_error)


def forever(live: str) -> None:
    """Observes until it is killed; prints the number up to which all is written."""
    client = Client(live)
    one = 0
    while True:
        for _ in range(250):
            client.observe(client.resolve("u"), request_id=str(one))
            one += 1
        if client.flush(10):
            print(one, flush=True)


def leave(live: str) -> None:
    """Ends right after observing, without a word to the client."""
    client = Client(live)
    client.observe(client.resolve("u"), request_id="last words")


def die(live: str) -> None:
    """Ends by an exception right after observing."""
    leave(live)
    raise RuntimeError("the application's own trouble")


def fill_the_disk(live: str) -> None:
    """No file may grow beyond 200 kB: then there is room again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    client = Client(live, queue_limit=2000)
    client.observe(client.resolve("u"), request_id="first")
    assert client.flush(10), client.last_observe_error
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for one in range(9000):
        client.observe(client.resolve("u"), request_id=f"{one}/" + "x" * 150)
    assert not client.flush(0.3)
    print(client.last_observe_error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert client.flush(30), client.last_observe_error
    assert client.last_observe_error is None
    print(client.dropped)


def fork_all_the_time(live: str) -> None:
    """A parent that goes on while its children observe and end in every way that there is."""
    client = Client(live)
    for one in range(60):
        client.observe(client.resolve("u"), request_id=f"parent/{one}")
        if one % 3 == 0:
            client.flush(10)
        if one % 10 == 5:
            _fork(client, one)
    for one in range(60, 120):
        client.observe(client.resolve("u"), request_id=f"parent/{one}")
    print(client.flush(10), client.dropped)


def _fork(client: Client, one: int) -> None:
    child = os.fork()
    if child == 0:
        for number in range(20):
            client.observe(client.resolve("u"), request_id=f"child/{one}/{number}")
        if one == 5:
            sys.exit(0)  # the exit flush
        assert client.close(10)
        os._exit(0 if client.dropped == 0 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def close_while_a_child_writes(live: str) -> None:
    """The parent closes its file between two rows of a child that it forked with the file open."""
    client = Client(live)
    client.observe(client.resolve("u"), request_id="parent")
    assert client.flush(10)
    (hear, tell), (hear_back, tell_back) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        client.observe(client.resolve("u"), request_id="child 1")
        assert client.flush(10)
        os.write(tell, b".")
        os.read(hear_back, 1)
        client.observe(client.resolve("u"), request_id="child 2")
        os._exit(0 if client.flush(10) else 1)
    os.read(hear, 1)
    client.observe(client.resolve("u"), request_id="parent again")
    assert client.close(10)
    os.write(tell_back, b".")
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    globals()[sys.argv[1]](*sys.argv[2:])
