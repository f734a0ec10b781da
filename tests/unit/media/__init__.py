"""Tests of osc_imagebuild.media."""
