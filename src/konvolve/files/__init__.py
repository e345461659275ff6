"""Pictures and kernels in files, read whole and exactly or not at all, written beside their names and then renamed."""
