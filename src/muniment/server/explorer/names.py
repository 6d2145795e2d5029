"""People's names, as the members application knows them."""

from muniment.server.members.names import names_of

__all__ = ["names_of"]
