"""Foundation: clock, ids, units, geo, errors, settings, bus, database. No domain, one subject per file."""
