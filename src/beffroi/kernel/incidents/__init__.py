"""Incidents: what is opened, owned, noted and closed. One owner at any second."""
