"""Everything that this app relies on in Streamlit beyond its documented interface.

`assumptions.ASSUMPTIONS` lists it, one row each. `dom.Mark` names the marks in the pages that Streamlit draws, and
the other modules hold the code. tests/ui/streamlit_compat and tests/browser/test_streamlit_contract.py check each row.
"""
