"""Speed as a ratio: ours beside a baseline, interleaved in the same run.

Each module is one benchmark with `measure(*, quick)`, which returns a `result.Result`;
`pipeline` and `peers` belong to `stream_kafka`. `benchmarks.registry` imports them by name.
"""
