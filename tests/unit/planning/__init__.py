"""Tests of osc_imagebuild.planning."""
