"""Measures the post and tries to break it. Nothing here is part of the product; bench/README.md says how to run it."""
