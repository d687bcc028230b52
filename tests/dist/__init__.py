"""The distributions, built and installed into empty environments."""
