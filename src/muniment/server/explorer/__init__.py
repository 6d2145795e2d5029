"""The ledger explorer: the log as people read it, one entry with its proof, and what caused what."""
