"""The controller: looks at every rollout, moves it by the rules, and keeps the canary's time.

It decides nothing of its own: store.rules.rollout says what happens, console.operations do it.
Several may run at once; the commit decides who was first.
"""
