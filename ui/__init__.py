"""All that the eye sees."""
