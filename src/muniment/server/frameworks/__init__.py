"""A tenant's catalogs and mapping: what it brought in, what its actions evidence, what of a framework is evidenced."""
