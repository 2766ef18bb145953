"""People: accounts, clearances with dates, tokens, and the one door that says who may do what."""
