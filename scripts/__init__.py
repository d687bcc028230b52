"""Programs that install, generate and check parts of this repository."""
