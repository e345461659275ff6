"""One adapter per array library, and the registry that finds the one an array belongs to."""
