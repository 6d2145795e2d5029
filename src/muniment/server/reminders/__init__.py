"""Reminders of exceptions: that they end, that somebody attests them again, that somebody decides."""
