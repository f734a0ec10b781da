"""Monitors: what a running guest shows. Pure functions over what was read."""
