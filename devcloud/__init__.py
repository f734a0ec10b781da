"""A real OpenStack on one machine, for the demo and the tests."""
