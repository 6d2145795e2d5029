"""The desk over which packets go out: what they hold, who asked, who agreed, what was signed, and who took them."""
