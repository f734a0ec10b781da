"""Tests of osc_imagebuild.steps."""
