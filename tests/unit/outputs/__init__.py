"""Tests of osc_imagebuild.outputs."""
