"""Training: configuration, devices, checkpoints, the loop."""
