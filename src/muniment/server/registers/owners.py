"""Names of people beside their ids, for lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from muniment.server.access.standing import Standing
from muniment.server.members.names import names_of


def owner_names(standing: Standing, owners: Collection[str]) -> Mapping[str, str]:
    """The names of some owners by `user:usr_…`; whoever has none is named by the id, and nobody by "".

    Args:
        standing: of the reader.
        owners: as rows keep them.
    """
    wanted = {one for one in owners if one}
    known = names_of(standing.tenant_id, wanted)
    return {"": "", **{one: known.get(one) or one.removeprefix("user:") for one in wanted}}
