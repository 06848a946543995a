"""Help: a first lesson, what the page shows, presets and glossary."""

from __future__ import annotations

import streamlit as st

from lab.experiment.presets import PRESETS
from ui.kit.glossary import glossary
from ui.kit.links import preset_links
from ui.session import state

SECTIONS = {
    "What you see": """
The network is written from scratch, and what you see is its real state: nothing on the screen is drawn in advance. The
map shows the network's prediction for every point of the plane: orange for the first class, blue for the second, pale
where it is unsure. The curves show its loss and accuracy after each epoch for the points it trains on, for the test
points that it never trains on, and for the validation points, if some are held out for stop rules to look at. The
confusion matrix counts test examples: rows are the actual class, columns the predicted one.
""",
    "The network diagram": """
Each small map shows the output of one neuron over the plane; point at it to enlarge it. Lines are weights: the wider,
the stronger, orange negative and blue positive. Click one to type another value. The buttons above a layer add and
remove neurons, the thumbnails on the left switch features on and off.
""",
    "Where a setting leads": """
*Show where each setting leads* draws a small curve under each setting: the loss after training with each of its values.
The line is the median of several runs, the band holds the middle half of them, a cross marks values with which most
of them diverge, and the dotted line is your value. Point at the curve for the map of a value; a click takes it. At the
speed *Instant* every change shows the finished run, also while you drag a slider.
""",
    "What takes effect during training, and what restarts it": """
The help of every control says so. Learning rate, batch size, penalties, schedule and stop rules change the running
network; data, layers and functions start a new one.
""",
    "Is it luck?": """
One run proves little: its initial weights and the order of its batches are random. The page *Compare* repeats your
experiment, tries all values of one setting or of two, and says whether a change helps.
""",
    "Keys": "Space plays and pauses, the right arrow trains for one epoch; the ? key shows them all.",
    "Your own data": """
It is uploaded on the page *Data* and stays on the server for you, in every tab of this browser, and for those who train
on it by your link, until a day after your last visit. If it is gone, the page says so and keeps your settings.
""",
    "Links and sharing": """
Your settings live in the address bar. Copy the address: anyone who opens it gets the same experiment, and after the
same number of epochs the same numbers. **Share** hides or locks parts of the page for students, gives embed code for
your own web page, and saves experiments that are too long for a link. **Projector** makes the page readable from the
last row.
""",
}

state.begin()

st.header("Help")
st.subheader("A first lesson")
st.markdown(
    f"""
1. Press **Play** on the Playground: a small network learns to tell orange from blue, and within ten seconds its
   boundary closes around the blue disk. **Reset** and **Play** show it again; *Speed* makes it slower or faster.
2. Press **Reset**, raise the learning rate to 3 and press **Play** again: the steps are too long, and the loss jumps.
3. Then open *{PRESETS["linear"].label}* below: without a hidden layer the boundary is a straight line, until you add
   one with **+**.
"""
)
st.page_link("../pages/playground.py", label="To the Playground")
for title, text in SECTIONS.items():
    with st.expander(title):
        st.markdown(text)
st.subheader("Starting points")
preset_links(*PRESETS)
glossary()
state.write_link()
