"""What the fake cloud and a real one must have in common.

Each class of tests comes twice: on the fake cloud, and on the one that OS_CLOUD
names (IMAGEBUILD_CONTRACT=fake leaves that out).
"""
