"""Index bytes that several machines share: sealed files by their hash, and archives, at one address."""
