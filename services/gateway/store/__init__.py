"""All SQL of the gateway, by reader: the feed, accounts, pages, counts, the operation log."""
