"""The design system: page shells, components, styles, scripts, navigation and the assets that serve them."""
