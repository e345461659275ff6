"""Arrays in chunks: where the samples of a region lie, and how the chunks of a result come about."""
