"""Data loss prevention: what a file says, which personal and payment data stand in it, and what is to be done about it.

Nothing here knows Django or the database. Files that others sent are read by `inspection`, in a process of its own.
"""
