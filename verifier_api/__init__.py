"""The verification service and the consumer page: HTTP over the ledger, the log and the core.

Only `cli`, `demo` and `benchmarks` may import it; it imports `authenticity`, `events` and
`ledger`, never `keys`. Begin with `app` (what is put together) and `routes` (one file a
resource). Public: `app.create_app` and `state.Dependencies`, `settings.Settings`,
`http.server`, `metrics.EngineMetrics`, `i18n` for other programs that word findings.
"""
