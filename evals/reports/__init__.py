"""Files that tell of a run to people and to other programs: one report, one module for each format."""
