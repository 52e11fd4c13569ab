"""What happened: a read model of the log that can be deleted at any time."""
