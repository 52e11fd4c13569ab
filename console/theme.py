"""How it looks. Two themes with the same variables; every tone also has a word or a symbol."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="lockgate-dark",
    dark=True,
    primary="#6cb6ff",
    secondary="#8fa3bf",
    accent="#6cb6ff",
    warning="#e6b450",
    error="#ff7b72",
    success="#7ee787",
    foreground="#e6e9ef",
    background="#0e1117",
    surface="#0e1117",
    panel="#1b212c",
    variables={
        "quiet": "#9aa5b5",
        "good": "#7ee787",
        "warn": "#e6b450",
        "bad": "#ff7b72",
        "cursor": "#24344d",
        "cursor-blurred": "#1b212c",
        "frame": "#3a4556",
        "scrollbar": "#2d3a4e",
        "scrollbar-hover": "#3a4556",
        "scrollbar-active": "#6cb6ff",
        "scrollbar-background": "#0e1117",
        "scrollbar-background-hover": "#0e1117",
        "scrollbar-background-active": "#0e1117",
    },
)
LIGHT = Theme(
    name="lockgate-light",
    dark=False,
    primary="#0550ae",
    secondary="#57606a",
    accent="#0550ae",
    warning="#7d4e00",
    error="#b3121d",
    success="#116329",
    foreground="#1b1f24",
    background="#ffffff",
    surface="#ffffff",
    panel="#eaeef2",
    variables={
        "quiet": "#57606a",
        "good": "#116329",
        "warn": "#7d4e00",
        "bad": "#b3121d",
        "cursor": "#cfe3fb",
        "cursor-blurred": "#eaeef2",
        "frame": "#afb8c1",
        "scrollbar": "#afb8c1",
        "scrollbar-hover": "#8c959f",
        "scrollbar-active": "#0550ae",
        "scrollbar-background": "#ffffff",
        "scrollbar-background-hover": "#ffffff",
        "scrollbar-background-active": "#ffffff",
    },
)
THEMES = (DARK, LIGHT)
