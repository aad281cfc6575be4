"""Labels of a finished run. Begin with `release`: nothing is released that does not read.

`cli` and `benchmarks` may import it; it knows `producers.issuing` and nothing else of producers.

- `release`: draw, write, read back, release
- `sheets`: a print-ready PDF, and reading it
- `symbols`: QR symbols as masks, PNG and SVG, and reading them
- `layout`: where things are on a label and on a sheet
"""
