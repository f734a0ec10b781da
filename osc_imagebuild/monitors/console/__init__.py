"""What the text of a console tells of a guest. Pure."""
