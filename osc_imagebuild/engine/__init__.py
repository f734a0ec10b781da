"""Drive one build: look at the cloud, decide, change one thing, look again."""
