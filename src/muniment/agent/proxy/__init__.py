"""A reverse proxy on loopback that shows a recorder what passes: requests before they go on, answers as they come."""
