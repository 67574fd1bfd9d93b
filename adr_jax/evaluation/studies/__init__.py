"""Studies: scores of a model under conditions other than those of training."""
