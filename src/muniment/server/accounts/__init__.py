"""People: their accounts, passwords, second factors and sessions."""
