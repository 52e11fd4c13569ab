"""What an application imports to learn which release serves a user.

    from lockgate_client import Client

    client = Client("live/production.json")
    served = client.resolve("user-1")
    served.release, served.arm, served.components["prompt/support"]["system"]

Standard library only.
"""

from lockgate_client.client import Client, Reason, Resolution
from lockgate_client.cohort import bucket, in_canary, in_matched_control
from lockgate_client.errors import LockgateClientError

__all__ = [
    "Client",
    "LockgateClientError",
    "Reason",
    "Resolution",
    "bucket",
    "in_canary",
    "in_matched_control",
]
