"""``python -m benchmarks`` measures; README.md in this folder says how to read what comes out."""
