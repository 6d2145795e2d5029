"""Comments on what the registers hold: never changed or removed, each an entry, with people named in them."""
