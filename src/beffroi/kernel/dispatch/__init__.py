"""Dispatch: the crews of the city, where they are while on duty, and the missions they are given, accept and carry out."""
