"""Installer media for guests, built at run time from Debian packages."""
