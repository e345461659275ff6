"""What planning knows of each library: its speeds, as shipped or as measured here."""
