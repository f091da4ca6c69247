"""Clean (洗): sealed items become masters without identifiers, and an officer signs for them."""
