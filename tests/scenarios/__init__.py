"""Whole builds on the fake cloud: kills, faults, attempts, and what people do."""
