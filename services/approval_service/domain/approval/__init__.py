"""Rules of one approval: stages, decisions, information, extension, break-glass."""
