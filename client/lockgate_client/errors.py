"""The one error of this package."""


class LockgateClientError(Exception):
    """No document can be served, or one was refused. Says which file and why, in one sentence."""
