"""Pure values and rules: canonical text, events, entries, the tree, notes, checkpoints, proofs and bundles.

Nothing here reads a clock, draws randomness, touches a file or logs. Bytes, integers and explicit times go in; a value
comes out, or one of the errors of `muniment.core.errors`.
"""
