"""The programs of those who make codes and scans: issuing, labels, reading.

`simulation`, `cli`, `demo` and `benchmarks` import it; it builds on `authenticity`, `keys` and
`events` and never meets the stream or the web service. Begin with `producers.issuing.run`.

- `issuing`: from an order to a signed manifest and a registered batch
- `labels`: sheets and single symbols of a finished run, read back before they are released
- `scanner`: codes from cameras, files and photographs, published as scans
- `processes`: work for all cores
"""
