"""What led to what across agents: the graph of a trace, its order, what contradicts it, and incident timelines."""
