"""Tracers in flows that are known: synthetic, and of the ocean."""
