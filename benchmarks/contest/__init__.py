"""The contest: konvolve beside everything else that answers the same questions."""
