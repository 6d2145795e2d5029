"""Reports as PDF/A: a document whose every number says how it was asked for, drawn by typst, and read out again."""
