"""PDEBench's shallow water: dam breaks, made here or read."""
