"""Watching whether a pinned model is still the model that was pinned: baseline, check, incident, report."""
