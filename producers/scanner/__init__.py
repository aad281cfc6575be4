"""Reading codes and publishing scans. Begin with `scanning`.

`cli`, `demo` and `benchmarks` may import it; it publishes through `events` or over HTTP, and never
opens a ledger.

- `scan_input`: codes, photographs and files of scans, one input at a time
- `photographs`: every symbol in an image
- `scanning`: inputs to scans, and scans to the event log or to a service
- `service_client`: `POST /v1/scans`
"""
