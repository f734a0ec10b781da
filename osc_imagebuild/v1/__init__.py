"""The commands: parse, call the library, give columns and data to cliff."""
