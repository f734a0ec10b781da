"""Tests of the devcloud."""
