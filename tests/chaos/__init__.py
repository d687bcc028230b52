"""Kill anything, lose nothing: `make chaos`, and a short set of it in the ordinary run."""
