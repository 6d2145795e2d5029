"""The overview: is the record intact, is it sealed in time, who is silent, what failed, what is evidenced."""
