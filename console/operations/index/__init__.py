"""What is done with the bytes of index versions: one file a verb."""
