"""Tests of osc_imagebuild.reports."""
