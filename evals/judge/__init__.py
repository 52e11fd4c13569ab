"""The judge: a model that grades by a rubric, and what it takes before its word may count."""
