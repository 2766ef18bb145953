"""Places: communes, streets, addresses, and the search among them."""
