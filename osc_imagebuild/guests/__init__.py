"""Guests: what can be built, and what its installer is told."""
