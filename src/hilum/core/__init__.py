"""The ground floor: errors, seeding, digests, files, progress. Standard library, numpy and rich only."""
