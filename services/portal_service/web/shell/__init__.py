"""The shell of every page: layout, gate, forms, errors."""
