"""The command ``konvolve``: what each of its subcommands does, and what it says."""
