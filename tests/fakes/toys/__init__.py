"""A boot method, an output and a monitor of somebody else, each one file."""
