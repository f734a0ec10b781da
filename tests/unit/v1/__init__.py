"""Tests of osc_imagebuild.v1."""
