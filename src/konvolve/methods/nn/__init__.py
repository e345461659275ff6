"""The methods on channels, on arrays: a file for each."""
