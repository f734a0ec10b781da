"""A cloud in this process, at the HTTP seam: everything above it is real."""
