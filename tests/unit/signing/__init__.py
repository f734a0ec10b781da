"""Tests of osc_imagebuild.signing."""
