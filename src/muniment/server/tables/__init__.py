"""Tables of every register: lists with filters, columns and pages in the address; export; import, all or nothing.

An application registers a `TableOf` when it starts; nothing here knows what the rows mean.
"""
