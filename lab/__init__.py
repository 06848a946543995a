"""Experiments: describe, build, train, query, export and serve them. Independent of Streamlit."""
