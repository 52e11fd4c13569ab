"""Observations from a Prometheus server, for applications that run on more than one machine.

`source.py` is the way in. Nothing is left to PromQL that Prometheus only estimates: raw samples of
counters are read and differenced here (`counting.py`, `ledger.py`), and what is absent stays unknown.
"""
