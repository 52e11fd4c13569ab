"""Prompts: read, check, render and compare their versions."""
