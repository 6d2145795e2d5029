"""Use cases of the list of assets: the only writers of its rows. Each runs in an open `tenant_scope`."""

from muniment.server.assets.services.assets import ACTION, change, create, retire
from muniment.server.assets.services.importing import Import, import_rows
from muniment.server.assets.services.reading import (
    Asset,
    asset_for,
    assets,
    definition_of,
    find_asset,
    find_assets,
    history_of,
    version_of,
)
from muniment.server.registers.keeping import NoSuch

__all__ = [
    "ACTION",
    "Asset",
    "Import",
    "NoSuch",
    "asset_for",
    "assets",
    "change",
    "create",
    "definition_of",
    "find_asset",
    "find_assets",
    "history_of",
    "import_rows",
    "retire",
    "version_of",
]
