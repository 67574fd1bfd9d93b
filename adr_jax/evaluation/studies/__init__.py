"""Studies: how a model holds up where something is not as in training."""
