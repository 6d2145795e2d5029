"""Migrations: each runs SQL files of `muniment.ledger`, as the owner of the schema."""
