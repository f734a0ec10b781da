"""The commands: parse, call the library, give columns and data to cliff."""

from __future__ import annotations

# Under this name the client's manager keeps the library.
API_NAME = "image_build"
