"""Beffroi: the open connected command post of a metropolis."""
