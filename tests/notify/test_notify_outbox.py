"""The outbox: what is queued once, retried with patience, kept over a restart, and given up."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.notify.letters import Letters
from console.notify.outbox import FIRST_WAIT_S, LONGEST_WAIT_S, MOST_TRIES, Outbox, wait_s
from console.notify.outcome import Outcome
from store.errors import MachineryError
from tests.notify.making_outboxes import DELIVERED, DOWN, GONE, NOON, REFUSED, Post, outbox, record, webhook

SOON = timedelta(seconds=10)
MUCH_LATER = timedelta(hours=1, seconds=1)


def test_a_record_is_queued_once_for_each_target(tmp_path: Path) -> None:
    post = Post()
    box = outbox(tmp_path, post, (webhook("one"), webhook("two", "rollback")))
    records = [record(1), record(2, "rollback")]
    assert box.enqueue(records, NOON) == 3
    assert box.enqueue([*records, record(1)], NOON) == 0
    box.deliver(NOON)
    assert sorted(post.sent) == [("one", records[0].id), ("one", records[1].id), ("two", records[1].id)]
    assert box.enqueue(records, NOON) == 0, "not even after it was delivered"
    assert box.deliver(NOON + SOON) == ()


@pytest.mark.parametrize("_attempt", range(20))
def test_threads_that_make_the_file_together_queue_each_record_once(tmp_path: Path, _attempt: int) -> None:
    records = [record(n) for n in range(50)]
    added: list[int] = []
    together = threading.Barrier(6)

    def queue() -> None:
        together.wait()
        box = outbox(tmp_path, Post())
        added.append(box.enqueue(records, NOON))
        box.letters.close()

    threads = [threading.Thread(target=queue) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(added) == 6
    assert sum(added) == 50


def test_two_processes_that_deliver_send_each_once(tmp_path: Path) -> None:
    post = Post()
    first, second = outbox(tmp_path, post), outbox(tmp_path, post)
    first.enqueue([record(n) for n in range(15)], NOON)
    claimed = first.letters.claim("hook", NOON.timestamp(), 100, 10)  # a process in the middle of it
    second.deliver(NOON)
    assert len(post.sent) == 5
    assert not {one.event_id for one in claimed} & {event for _, event in post.sent}
    second.deliver(NOON + timedelta(seconds=101))  # which died
    assert len({event for _, event in post.sent}) == len(post.sent) == 15


def test_oldest_first(tmp_path: Path) -> None:
    post = Post()
    box = outbox(tmp_path, post)
    records = [record(n) for n in (3, 1, 2)]
    box.enqueue(records, NOON)
    box.deliver(NOON)
    assert [event for _, event in post.sent] == sorted(one.id for one in records)


def test_a_restart_keeps_what_waits(tmp_path: Path) -> None:
    first = outbox(tmp_path, Post([DOWN]))
    first.enqueue([record()], NOON)
    (failed,) = first.deliver(NOON)
    assert (failed.state, failed.tries, failed.text) == ("waiting", 1, "answered 503")
    first.letters.close()
    post = Post()
    second = outbox(tmp_path, post)
    assert second.deliver(NOON) == (), "it is not due yet"
    assert [one.state for one in second.deliver(NOON + SOON)] == ["delivered"]
    assert post.sent == [("hook", record().id)]


def test_it_is_given_up_after_many_tries_and_can_be_revived(tmp_path: Path) -> None:
    post = Post([REFUSED] * MOST_TRIES)
    box = outbox(tmp_path, post)
    box.enqueue([record()], NOON)
    now = NOON
    states = []
    for _ in range(MOST_TRIES + 3):
        states.extend(one.state for one in box.deliver(now))
        now += MUCH_LATER
    assert states == ["waiting"] * (MOST_TRIES - 1) + ["dead"]
    (dead,) = box.letters.listed("dead")
    assert (dead.tries, dead.text) == (MOST_TRIES, "answered 400")
    assert box.letters.revive(None, "another", now.timestamp()) == 0
    assert box.letters.revive(dead.event_id, None, now.timestamp()) == 1
    assert [one.state for one in box.deliver(now)] == ["delivered"]


def test_gone_is_dead_at_once(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post([GONE]))
    box.enqueue([record()], NOON)
    assert [(one.state, one.tries) for one in box.deliver(NOON)] == [("dead", 1)]


def test_a_target_that_is_down_is_asked_with_one_letter(tmp_path: Path) -> None:
    post = Post([DOWN])
    box = outbox(tmp_path, post, (webhook("ill"),))
    box.enqueue([record(n) for n in range(40)], NOON)
    assert len(box.deliver(NOON)) == 1
    assert box.deliver(NOON + timedelta(seconds=1)) == ()
    box.deliver(NOON + SOON)
    box.deliver(NOON + SOON)
    assert len(post.sent) == 41


def test_a_letter_that_is_refused_keeps_no_other_waiting(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post([REFUSED]))
    box.enqueue([record(n) for n in range(5)], NOON)
    assert sorted(one.state for one in box.deliver(NOON)) == ["delivered"] * 4 + ["waiting"]


def test_a_target_says_how_long_to_wait(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post([Outcome("failed", "answered 429", is_down=True, wait_s=600)]))
    box.enqueue([record()], NOON)
    box.deliver(NOON)
    assert box.deliver(NOON + timedelta(seconds=599)) == ()
    assert len(box.deliver(NOON + timedelta(seconds=601))) == 1


@given(tries=st.integers(1, 100), luck=st.floats(0, 1))
def test_waits_double_up_to_an_hour(tries: int, luck: float) -> None:
    assert wait_s(tries, 1.0) == min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1))
    assert wait_s(tries, 1.0) / 2 <= wait_s(tries, luck) <= wait_s(tries, 1.0)


def test_stop_begins_nothing_new(tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(Post):
        def __call__(self, *arguments: object) -> Outcome:
            stop.set()
            return super().__call__(*arguments)  # type: ignore[arg-type]

    post = Stopping()
    box = outbox(tmp_path, post)
    box.enqueue([record(n) for n in range(5)], NOON)
    assert len(box.deliver(NOON, stop)) == 1
    assert box.deliver(NOON, stop) == ()
    stop.clear()
    assert len(post.sent) == 1
    again = outbox(tmp_path, Post())
    assert len(again.deliver(NOON)) == 4, "nothing that was not tried is held back"


def test_a_sender_that_breaks_gives_back_what_it_had_not_tried(tmp_path: Path) -> None:
    class Broken(Post):
        def __call__(self, *arguments: object) -> Outcome:
            if len(self.sent) == 2:
                raise MachineryError("the disk is full.")
            return super().__call__(*arguments)  # type: ignore[arg-type]

    box = outbox(tmp_path, Broken())
    box.enqueue([record(n) for n in range(5)], NOON)
    with pytest.raises(MachineryError):
        box.deliver(NOON)
    assert len(outbox(tmp_path, Post()).deliver(NOON)) == 3


def test_what_waits_for_a_target_that_is_gone_from_the_settings_is_dead(tmp_path: Path) -> None:
    outbox(tmp_path, Post()).enqueue([record()], NOON)
    box = outbox(tmp_path, Post(), (webhook("another"),))
    assert box.deliver(NOON) == ()
    assert "no such target" in box.letters.listed("dead")[0].text


@pytest.mark.parametrize("days", [60, -400])
def test_a_clock_that_jumped_delays_nothing_for_long(tmp_path: Path, days: int) -> None:
    """Queued, tried and claimed under a clock that was wrong; right again afterwards."""
    post = Post([DOWN])
    box = outbox(tmp_path, post)
    wrong = NOON + timedelta(days=days)
    box.enqueue([record(), record(1)], wrong)
    box.deliver(wrong)
    box.letters.claim("hook", wrong.timestamp(), 100, 1)
    box.deliver(NOON)
    assert len(post.sent) == 3


def test_old_news_is_not_queued_and_old_letters_are_forgotten(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post())
    late = NOON + timedelta(days=91)
    assert box.enqueue([record()], late) == 0
    box.enqueue([record()], NOON)
    box.deliver(NOON)
    assert len(box.letters.listed("delivered")) == 1
    box.deliver(late)
    assert box.letters.listed("delivered") == ()
    assert box.enqueue([record()], late) == 0, "forgotten, but too old to be queued anew"


def test_targets_are_served_side_by_side_but_not_all_at_once(tmp_path: Path) -> None:
    running, most, lock, together = 0, 0, threading.Lock(), threading.Barrier(4, timeout=10)

    def send(*_: object) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()  # four are here at the same time, or this times out
        with lock:
            running -= 1
        return DELIVERED

    box = Outbox(Letters(tmp_path / "o.sqlite"), [webhook(f"t{n}") for n in range(8)], send)
    box.enqueue([record()], NOON)
    assert len(box.deliver(NOON)) == 8
    assert most == 4


def test_what_is_delivered_leaves_no_text_behind_and_the_file_is_private(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post())
    box.enqueue([record()], NOON)
    (waiting,) = box.letters.listed("waiting")
    assert "Promoted r2" in waiting.body
    assert "secret plan" not in waiting.body and "ada@example.com" not in waiting.body
    box.deliver(NOON)
    assert box.letters.listed("delivered")[0].body == ""
    assert (tmp_path / "outbox.sqlite").stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(MachineryError, match=r"outbox\.sqlite cannot be used"):
        outbox(tmp_path, Post())


def test_it_is_on_disk_before_it_counts(tmp_path: Path) -> None:
    box = outbox(tmp_path, Post())
    connection = box.letters._connection
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma synchronous").fetchone() == (2,)
    other = sqlite3.connect(tmp_path / "outbox.sqlite")
    box.enqueue([record()], NOON)
    assert other.execute("select count(*) from letters").fetchone() == (1,)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("queue"), st.integers(0, 9)),
            st.tuples(st.just("deliver"), st.sampled_from([0, 10, 4000])),
            st.tuples(st.just("restart"), st.just(0)),
        ),
        max_size=12,
    ),
    outcomes=st.lists(st.sampled_from([DELIVERED, DOWN, REFUSED, GONE]), max_size=30),
)
def test_each_letter_is_delivered_once_or_named_dead(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], outcomes: list[Outcome]
) -> None:
    folder = tmp_path_factory.mktemp("box")
    post = Post(list(outcomes))
    box, now, queued = outbox(folder, post), NOON, set()
    delivered: list[str] = []
    for step, number in steps:
        if step == "queue":
            queued.add(record(number).id)
            box.enqueue([record(number)], now)
        elif step == "restart":
            box.letters.close()
            box = outbox(folder, post)
        else:
            now += timedelta(seconds=number)
            delivered += [one.event_id for one in box.deliver(now) if one.state == "delivered"]
    for _ in range(MOST_TRIES * 12):
        now += MUCH_LATER
        delivered += [one.event_id for one in box.deliver(now) if one.state == "delivered"]
        if not box.letters.listed("waiting"):
            break
    dead = {one.event_id for one in box.letters.listed("dead")}
    assert sorted(delivered) == sorted(queued - dead)
    box.letters.close()
