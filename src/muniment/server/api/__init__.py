"""The HTTP API but for appends: reading, proofs, bundles, tiles, verification, health."""
