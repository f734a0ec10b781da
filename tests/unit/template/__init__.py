"""Tests of osc_imagebuild.template."""
