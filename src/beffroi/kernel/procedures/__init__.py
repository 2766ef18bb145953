"""Procedures (fiches réflexes): versioned data that people read, run step by step on an incident, each step with its proof."""
