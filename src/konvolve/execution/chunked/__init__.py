"""What is computed of arrays in chunks: pure functions of chunks, which a scheduler runs in its workers."""
