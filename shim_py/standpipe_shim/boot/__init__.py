"""From the first descriptor to a loaded app."""
