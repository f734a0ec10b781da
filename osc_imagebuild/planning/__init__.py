"""From a request to a plan. Reads the cloud, and writes nothing."""
