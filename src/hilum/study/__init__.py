"""The study file as data: what a study, a suite and their tables may say, and what is wrong with one. No film, nothing computed."""
