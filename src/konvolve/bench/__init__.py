"""A short race of konvolve beside what is installed, and planning's constants fitted to this machine.

Nothing else in konvolve imports this room but the command. `benchmarks/` in the repository builds on it and has the
rest: more questions and contestants, and the predictions put to the test.
"""
