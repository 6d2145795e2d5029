"""Control tasks, findings and incidents: what is to be done, and that it was."""
