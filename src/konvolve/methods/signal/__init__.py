"""The methods of SciPy's family, on arrays: a file for each."""
