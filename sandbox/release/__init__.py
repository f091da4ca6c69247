"""The airlock: a label set is requested, screened, voted on, sealed and, if need be, recalled."""
