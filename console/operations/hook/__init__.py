"""The rules of the store, kept where everybody pushes to: whatever program made a commit."""
