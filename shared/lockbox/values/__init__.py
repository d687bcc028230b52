"""Pure values that services, guard and command line share: the standard library alone, no schemas."""
