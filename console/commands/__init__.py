"""The command line: one file per family. Each parses, calls an operation and prints."""
