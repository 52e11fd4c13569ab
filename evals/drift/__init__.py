"""Has the model changed under its pin? One-token probes, and a test for every day."""
