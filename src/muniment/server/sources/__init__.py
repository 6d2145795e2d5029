"""Sources and the keys that they submit with: who is heard, who is silent, and how something new is connected."""
