"""Floor 2: builds, seals, verifies, opens and compares index versions. Knows no screen, no prompt."""
