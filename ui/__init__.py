"""What a visitor sees: the parts of the pages, their figures, and the components in the browser."""
