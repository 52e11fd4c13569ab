"""Floor 1: what is deployed and how it got there. Knows no Chroma, no LLM, no screen."""
