"""Reviews: films of a finished run that people look at, what each said, and how far they agree with one another and the model."""
