"""Plotly figures from arrays and records. Nothing here knows Streamlit or networks."""
