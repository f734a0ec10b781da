"""Tests of osc_imagebuild.monitors."""
