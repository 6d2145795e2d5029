"""Who makes a request and what they may do: one answer for pages and for the API."""
