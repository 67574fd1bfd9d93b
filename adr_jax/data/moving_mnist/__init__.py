"""Moving MNIST: handwritten digits that bounce."""
