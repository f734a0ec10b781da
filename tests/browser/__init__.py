"""Pages in a headless browser, which `make browser` installs where it is missing."""
