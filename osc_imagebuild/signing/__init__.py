"""Keys, and the envelopes that they sign."""
