"""The nouns: what stages read and write, each with a header that says where it came from."""
