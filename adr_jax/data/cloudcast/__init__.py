"""CloudCast's cloud types, and a generated stand-in."""
