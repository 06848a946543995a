"""The formulas that a textbook prints, in tables of records: name, label, functions, LaTeX and one sentence each."""
