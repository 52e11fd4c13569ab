"""A change that somebody proposes with git alone: what a pull request's CI and a hook are told of it."""
