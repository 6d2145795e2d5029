"""What waits for somebody: approvals and exceptions of theirs, the calendar of expiries, the board, search."""
