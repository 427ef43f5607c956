"""Files that come with a request: where their bytes are from, and what text is in them."""
