"""Tests of what a build leaves behind."""
