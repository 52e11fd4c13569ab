"""What auditors ask, each question a file. Answers are rows, so that a screen, a table and an export show the
same."""
