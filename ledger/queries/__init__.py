"""What the service reads and writes, on either database: `reader` is its `LedgerReader`."""
