"""Building packets: what a scope names is gathered as of a checkpoint, kept, recorded, and made an archive."""
