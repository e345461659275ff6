"""The arithmetic of SciPy's image filters: no array library is needed for it."""
