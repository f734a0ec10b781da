"""Tests of osc_imagebuild.engine."""
