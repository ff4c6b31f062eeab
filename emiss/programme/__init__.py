"""The programme of searches: periods, search files, budgets, and what runs a search from them to its limit."""
