"""The nouns: what is asked, resolved, seen and decided. Standard library only."""
