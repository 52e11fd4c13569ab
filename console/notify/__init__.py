"""Telling others what was done: webhooks and commands, from an outbox that survives a restart.

`running.py` is the way in: `keep_up` takes in new records and delivers what is due.
"""
