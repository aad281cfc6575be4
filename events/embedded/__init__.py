"""The event log in one SQLite file: `log` reads and appends, `publisher` batches appends."""
