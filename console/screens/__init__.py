"""One screen a file. Screens turn keys into operations and results into widgets."""
