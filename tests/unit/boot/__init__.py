"""Tests of boot methods."""
