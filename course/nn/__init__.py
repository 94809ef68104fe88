"""Building blocks of networks; they know nothing of any model."""
