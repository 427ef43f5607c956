"""What a request stands on: what was said before, what it brings, and what may be left out."""
