"""What the store keeps, one record a file. Data and its own validity, nothing else."""
