"""One file per resource; every handler is a few lines."""
