SELECT ledger.seal(
    %(log)s, %(from)s, %(size)s, %(root)b, %(edge)b,
    %(levels)b::smallint[], %(tiles)b::bigint[], %(hashes)b,
    %(names)s, %(ids)b, %(signatures)b)
