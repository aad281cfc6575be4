"""Where events travel: topics, the publisher, the embedded log."""
