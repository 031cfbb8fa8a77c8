"""Where films come from: one module a known layout, and what they share. Used by `hilum.stages.ingest`
only."""
