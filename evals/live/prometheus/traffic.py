"""How much traffic an environment has, as Prometheus saw it."""

from __future__ import annotations

from evals.live.prometheus import names
from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.counting import increments
from evals.live.sqlite_source_traffic import SeenTraffic

_STEP_S = 300


def seen_traffic(api: PrometheusApi, environment: str, now: float, hours: float) -> SeenTraffic | None:
    """The traffic of `environment` in the last `hours` before `now` (seconds since 1970), to be shown: what
    was counted in the first five minutes of a process may be missing. None without any.

    Raises MachineryError when Prometheus cannot be read.
    """
    asked = names.selector([names.REQUESTS, names.QUALITY], environment, None, None, ["+Inf"])
    requests = scored = 0.0
    first = now
    for series in api.grid(asked, now - hours * 3600, now, _STEP_S):
        last = (series.times[0], series.values[0]) if series.times else None
        grown = list(increments(series.times[1:], series.values[1:], last))
        if series.name == names.REQUESTS:
            requests += sum(count for _, count in grown)
            first = min([first, *(at - _STEP_S for at, _ in grown)])
        else:
            scored += sum(count for _, count in grown)
    if not requests:
        return None
    minutes = max(1.0, (now - first) / 60)
    return SeenTraffic(requests / minutes, min(1.0, scored / requests), None)
