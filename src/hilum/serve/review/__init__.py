"""Reviews: films of a finished run that people look at, what each of them said, and how far they agree with each other and with the model."""
