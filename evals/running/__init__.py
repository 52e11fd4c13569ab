"""What a run of evals keeps and may use: its journal, its budget, its choice of cases, its noise floor."""
