"""The DICOM node: films in from a picture archive, answers back into the same study."""
