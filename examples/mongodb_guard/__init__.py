"""mongodb_guard opens a vendor's own MongoDB for a grant: a user with just the granted rights, while it lasts."""
