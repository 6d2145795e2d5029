"""The two agents of the demonstration: real frameworks, and a model that plays a script."""
