"""Tests of osc_imagebuild.builds."""
