"""Verify: order a walk and read what it found, take the pin along, and check a bundle in the browser."""
