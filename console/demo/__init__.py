"""The demo: a real small application, told as a journey and left as a workspace to look at."""
