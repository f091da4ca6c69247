"""Words, rules and recipes of the house, as data and as the code that reads them."""
