"""Trees and names of files as in BIDS."""
