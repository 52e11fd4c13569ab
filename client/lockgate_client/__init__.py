"""What an application imports to learn which release serves a user.

    from lockgate_client import Client

    client = Client("live/production.json")
    served = client.resolve("user-1")
    served.release, served.arm, served.components["prompt/support"]["system"]
    client.observe(served, request_id="…", unit="user-1", latency_ms=412.0)

Standard library only.
"""

from lockgate_client.client import Client, Reason, Resolution
from lockgate_client.cohort import bucket, in_canary, in_matched_control
from lockgate_client.errors import LockgateClientError
from lockgate_client.observation import Amendment, Observation

__all__ = [
    "Amendment",
    "Client",
    "LockgateClientError",
    "Observation",
    "Reason",
    "Resolution",
    "bucket",
    "in_canary",
    "in_matched_control",
]
