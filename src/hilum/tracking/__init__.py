"""What is recorded of a trial, and the MLflow store that it goes to; for `hilum.stages.record`."""
