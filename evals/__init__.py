"""Is it good enough? Suites of cases, the graders that score answers, the runner and the gate."""
