"""Pictures of every page, in light, dark and at a phone's width, and what axe-core has against them."""
