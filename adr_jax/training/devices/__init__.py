"""Devices and processes: the only files that map over them."""
