"""Tests of osc_imagebuild.guests."""
