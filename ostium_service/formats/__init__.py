"""How pages write moments."""
