"""Tests of osc_imagebuild.boot."""
