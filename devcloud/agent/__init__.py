"""What the cloud's own agents load from us."""
