"""Tests of osc_imagebuild.cloud."""
