"""Models: which ids are pinned, where they are served, and how one answer is fetched."""
