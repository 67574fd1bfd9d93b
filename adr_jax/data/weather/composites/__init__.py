"""Radar composites as they arrive: a module for each format, all read as `Film`s."""
