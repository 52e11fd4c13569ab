"""What watches after a release: observations, the tests on them, the verdict of an analysis.

Is told the time, and knows nothing of the gate; only grading.py knows suites: it asks their graders.
"""
