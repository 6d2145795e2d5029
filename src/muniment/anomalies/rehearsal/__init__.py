"""Ninety ordinary days of made-up tenants, and incidents put into them: what is found, and what false alerts come.

Everything is drawn from a seed. The people are simple: they have hours, days off, holidays, a late evening now and
then; they sign in, ask, decide and clean up. Real tenants are odder, so the figures are a floor for false alerts, no
promise.
"""
