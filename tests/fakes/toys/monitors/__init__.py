"""What a test puts on the path of osc_imagebuild.monitors."""
