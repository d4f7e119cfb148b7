"""What is summed up as spans arrive: RED, edges, instances, the trace index and the groups of errors."""
