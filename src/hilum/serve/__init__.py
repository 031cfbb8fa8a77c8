"""A bundle as a service: HTTP for programs, pages for people. Research software, not a medical device."""
