"""astropy's own tests of its convolutions, asked of konvolve's. Runs inside the child process only."""
