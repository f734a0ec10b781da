"""The bytes that a build uploads or reads: stub disks, ISOs, files of a mirror."""
