"""Where films come from: one module and one entry in `layouts` for each known layout, and what they share. Used by `stages.ingest` only."""
