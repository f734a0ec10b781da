"""A build as the cloud keeps it: its record, its lease, and what is left of it."""
