"""Numbers that say how good a model is; they know nothing of any model."""
