"""An experiment: describe it, build it, run it, keep it. No Streamlit in this room."""
