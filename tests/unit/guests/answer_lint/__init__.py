"""Tests of osc_imagebuild.guests.answer_lint."""
