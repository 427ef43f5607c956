"""From events to whoever wants them: clients that stream, wait, come back or stay connected."""
