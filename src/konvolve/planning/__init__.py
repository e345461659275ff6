"""From a question in sizes to a plan in sizes: pure Python, no array library."""
