"""Attacks on what is read from outside: apart from unit tests, as they take their time."""
