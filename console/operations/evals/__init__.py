"""The work around evals that people do: looking at runs and cases, labelling answers, drafting cases."""
