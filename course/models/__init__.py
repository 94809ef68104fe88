"""The models of the course: one idea a file, none knows another."""
