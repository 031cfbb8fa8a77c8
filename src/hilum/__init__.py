"""hilum: a workbench for chest-film classification studies. Research software, not a medical device."""

__version__ = "0.1.0"

RESEARCH_NOTICE = "Research software. Not a medical device; not for diagnosis or treatment."
