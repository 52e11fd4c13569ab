"""The outbox: every event goes to each target that asked for its kind, at least once, oldest first."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from console.notify.event import body_of, event_of
from console.notify.letters import Letter, Letters, State
from console.notify.outcome import Outcome
from store.records.operation import Operation
from store.settings import EVERY_EVENT, NotifyTarget

MOST_TRIES = 15
"""After these a letter is dead: about eight hours after the first."""
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 3600.0
KEPT_DAYS = 90
"""How long delivered and dead letters are remembered; older records are no news."""
_AT_ONCE = 4
_PER_ROUND = 20
_DAY_S = 86_400.0

Send = Callable[[NotifyTarget, str, bytes, datetime], Outcome]
"""(target, event id, body, now): one try."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one try to deliver one event to one target."""

    event_id: str
    target: str
    state: State
    """waiting: it will be tried again."""
    tries: int
    text: str


class Outbox:
    """The letters of one workspace and the targets they go to."""

    def __init__(
        self,
        letters: Letters,
        targets: Sequence[NotifyTarget],
        send: Send,
        *,
        dice: random.Random | None = None,
    ) -> None:
        """`dice` spreads retries, so that what failed together is not tried together."""
        self.letters = letters
        self._targets = {target.name: target for target in targets}
        self._send = send
        self._dice = dice or random.Random()

    def enqueue(self, records: Iterable[Operation], now: datetime, mark: str | None = None) -> int:
        """Queues the events of `records` for every target that wants their kind; returns how many letters
        are new. A record that was ever queued for a target is not queued for it again.

        `mark` is remembered in the same step: how far the caller has read.
        """
        oldest = now.timestamp() - KEPT_DAYS * _DAY_S
        wanted = (
            (record, target)
            for record in records
            for target in self._targets.values()
            if record.at.timestamp() >= oldest and _wants(target, record.kind)
        )
        letters = [
            (record.id, target.name, record.kind, body_of(event_of(record)).decode())
            for record, target in wanted
        ]
        return self.letters.put(letters, now.timestamp(), mark)

    def deliver(self, now: datetime, stop: threading.Event | None = None) -> tuple[Delivery, ...]:
        """Tries what is due, several targets at once, each one's letters one after another.

        Blocks until each try has ended or timed out; no new one begins once `stop` is set.
        """
        stopping = stop or threading.Event()
        for name in self.letters.counts():
            if name not in self._targets:
                self.letters.bury(name, "settings.toml names no such target any more")
        self.letters.forget(now.timestamp() - KEPT_DAYS * _DAY_S)
        with ThreadPoolExecutor(_AT_ONCE, "notify") as pool:
            rounds = [pool.submit(self._round, one, now, stopping) for one in self._targets.values()]
            return tuple(chain.from_iterable(one.result() for one in rounds))

    def _round(self, target: NotifyTarget, now: datetime, stop: threading.Event) -> list[Delivery]:
        done: list[Delivery] = []
        if stop.is_set():
            return done
        lease_s = target.timeout_s * (_PER_ROUND + 1) + 60
        claimed = self.letters.claim(target.name, now.timestamp(), lease_s, _PER_ROUND)
        try:
            for letter in claimed:
                if stop.is_set():
                    break
                outcome = self._send(target, letter.event_id, letter.body.encode(), now)
                done.append(self._settled(letter, outcome, now))
                if outcome.is_down:
                    break
        finally:
            self.letters.release(claimed[len(done) :])
        return done

    def _settled(self, letter: Letter, outcome: Outcome, now: datetime) -> Delivery:
        tries, at = letter.tries + 1, now.timestamp()
        state: State = "waiting"
        if outcome.state == "delivered":
            state = "delivered"
        elif outcome.state == "gone" or tries >= MOST_TRIES:
            state = "dead"
        due = at + max(wait_s(tries, self._dice.random()), outcome.wait_s or 0.0)
        self.letters.settle(letter, state, due, at, outcome.text)
        if outcome.is_down:
            self.letters.postpone(letter.target, due)
        return Delivery(letter.event_id, letter.target, state, tries, outcome.text)


def wait_s(tries: int, luck: float) -> float:
    """Seconds before the next try: twice as many each time, up to an hour. `luck` (0 to 1) decides on half
    of them."""
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries - 1, 30))
    return longest * (0.5 + 0.5 * luck)


def _wants(target: NotifyTarget, kind: str) -> bool:
    return kind in target.events or EVERY_EVENT in target.events
