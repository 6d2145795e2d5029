"""Use cases of the list of assets: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.assets.services.assets import change, create, retire
from muniment.server.assets.services.reading import (
    Asset,
    NoSuch,
    asset_for,
    assets,
    definition_of,
    find_asset,
    find_assets,
    history_of,
)

__all__ = [
    "Asset",
    "NoSuch",
    "asset_for",
    "assets",
    "change",
    "create",
    "definition_of",
    "find_asset",
    "find_assets",
    "history_of",
    "retire",
]
