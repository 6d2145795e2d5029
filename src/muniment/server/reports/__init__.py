"""Reports: PDF/A files whose numbers can be asked for again."""
