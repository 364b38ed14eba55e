"""The applications, one module each, or a few small ones of one kind."""
