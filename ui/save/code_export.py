"""The experiment as code in other libraries, and the network as an ONNX model."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.export import ONNX_WITHIN, SCRIPTS, ExportError, gather, zipped
from lab.server.pool import Pool
from ui.kit.escape import escape_markdown
from ui.kit.page_parts import export_plan
from ui.kit.widgets import labels
from ui.save.download_button import download
from ui.save.model_files import current_model


def code_export() -> None:
    """Choose a library, read the code, and download code, data and model."""
    plan = export_plan()
    help = "The experiment as a standalone script. The zip file contains the data that it reads."
    chosen = st.segmented_control(
        "Code for",
        list(SCRIPTS),
        format_func=labels(SCRIPTS),
        default="numpy",
        required=True,
        key="code_for",
        help=help,
    )
    script = SCRIPTS[chosen or "numpy"]
    try:
        text = script.make(plan)
    except ExportError as problem:
        st.info(escape_markdown(str(problem)))
    else:
        st.caption(f"{script.sentence} {plan.agreement(script.label)}")
        with st.expander("Show me the code"):
            st.code(text, language=script.language, wrap_lines=True)
    with st.container(horizontal=True):
        help = "All scripts that support this experiment, with their data and the settings."
        download("Code and data as zip", "zip", partial(_zip, plan), "experiment.zip", "application/zip", help)
        help = (
            "The current network, from raw inputs to predictions, for any program that runs ONNX models. Its answers "
            f"differ by at most {100 * ONNX_WITHIN:g}% of the largest one, because parts of it compute in 32 bits. "
            "A word of a table is an input of 0 and 1, named in the metadata; NaN is a gap, which the model fills."
        )
        download("Trained network as ONNX", "onnx", _onnx, "model.onnx", "application/octet-stream", help)


def _zip(plan, pool: Pool, token: str) -> bytes:
    return zipped(plan, gather(partial(pool.ask, token)))


def _onnx(pool: Pool, token: str) -> bytes:
    from lab.export.onnx_model import onnx_model

    return onnx_model(current_model(pool, token))
