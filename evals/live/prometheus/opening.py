"""Opening the Prometheus that this machine's settings name."""

from __future__ import annotations

from collections.abc import Mapping

from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.source import PrometheusSource
from evals.models.access import EndpointSettings, access_url
from evals.models.endpoint import NO_KEY
from store.errors import InputError
from store.settings import Settings


def open_prometheus(
    settings: Settings, *, p99_rise: float = 0.10, environ: Mapping[str, str] | None = None
) -> PrometheusSource:
    """The source at `settings.prometheus`; asks nothing yet.

    Raises InputError when there is none, its host is not allowed, or its key is not set.
    """
    if settings.prometheus is None:
        raise InputError(
            'settings.toml names no Prometheus: add prometheus = "https://…" and its host to allowed_hosts.'
        )
    access = access_url(settings.prometheus, EndpointSettings(settings.allowed_hosts, settings.keys), environ)
    bearer = None if access.api_key == NO_KEY else access.api_key
    return PrometheusSource(PrometheusApi(str(access.base_url), bearer), p99_rise=p99_rise)
