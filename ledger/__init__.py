"""The database of histories, alerts, cases, batches and tokens. The only SQL but the log's."""
