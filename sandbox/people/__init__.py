"""The room of people: accounts, second factors, sessions, keys, hospitals and memberships."""
