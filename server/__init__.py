"""HTTP in, events out. Never imports torch: the engine runs in a process of its own."""
