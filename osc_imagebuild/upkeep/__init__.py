"""Keep the images of many templates fresh."""
