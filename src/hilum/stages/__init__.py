"""The verbs: each stage reads artefacts and writes artefacts, one stage a file."""
