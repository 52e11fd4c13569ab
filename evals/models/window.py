"""How many requests may be under way at an endpoint: more while it goes well, half when it is too much."""

from __future__ import annotations

from dataclasses import dataclass, replace

_CUT = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """Additive increase, multiplicative decrease (Chiu and Jain, Computer Networks 17, 1989).

    Begins at the ceiling: whoever set it wants to get there, and an endpoint that cannot says so.
    """

    ceiling: int
    """Never more than this at once, at least 1."""
    size: float
    """From 1 to `ceiling`; its whole part is what may be under way."""
    cut_at: float = float("-inf")
    """When it was last cut, in seconds of any clock."""

    @classmethod
    def of(cls, ceiling: int) -> Window:
        """The window of an endpoint that nobody has asked yet."""
        ceiling = max(1, ceiling)
        return cls(ceiling, float(ceiling))

    @property
    def allowed(self) -> int:
        """Requests that may be under way at once."""
        return int(self.size)

    def succeeded(self) -> Window:
        """After an answer: one more request at once for every window's worth of answers."""
        if self.size >= self.ceiling:
            return self
        return replace(self, size=min(float(self.ceiling), self.size + 1 / self.allowed))

    def throttled(self, sent_at: float, now: float) -> Window:
        """After the endpoint said that it has too much to do, to a request sent at `sent_at`.

        A request that was sent before the last cut says nothing new: a burst of refusals is one cut.
        """
        if sent_at < self.cut_at:
            return self
        return replace(self, size=max(1.0, self.size * _CUT), cut_at=now)
