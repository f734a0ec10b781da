"""Whole commands on the fake cloud: what they print, whoever wrote it."""
