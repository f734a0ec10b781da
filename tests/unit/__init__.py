"""Tests that need no cloud."""

import gc

# The SDK and the client are half a million objects, looked through at each collection.
gc.set_threshold(20_000)
