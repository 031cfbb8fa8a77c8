"""From a study file to its report: the only place that knows the whole order of the stages."""
