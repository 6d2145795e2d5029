"""Telling people what concerns them: in the application at once, by e-mail as each of them chose."""
