"""Tests of osc_imagebuild.model."""
