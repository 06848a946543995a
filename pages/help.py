"""Help: what the page shows, what to try, presets and glossary."""

from __future__ import annotations

import streamlit as st

from lab.experiment.presets import PRESETS
from ui.kit.glossary import glossary
from ui.kit.links import preset_links
from ui.session import state

state.begin()

st.header("Help")
st.markdown(
    """
Press **Play** and watch a small network learn to tell two kinds of points apart. It is written from scratch, and what
you see is its real state: nothing on the screen is drawn in advance.

**What you see.** The map shows the network's prediction for every point of the plane: orange for the first class, blue
for the second, pale where it is unsure. The curves show its loss and accuracy after each epoch: thin for the points it
trains on, thick for the test points that it never trains on, dashed for the validation points, if some are held out for
stop rules to look at. The confusion matrix counts test examples: rows are the
actual class, columns the predicted one.

**What takes effect during training, and what restarts it.** The help of every control says so. Learning
rate, batch size, penalties, schedule and stop rules change the running network; data, layers and
functions start a new one.

**The network diagram.** Each small map shows the output of one neuron over the plane; point at it to enlarge it.
Lines are weights: the wider, the stronger, orange negative and blue positive. Click one to type another value. The
buttons above a layer add and remove units, the thumbnails on the left switch features on and off.

**Keys.** Space plays and pauses, the right arrow trains for one epoch; the ? key shows them all.

**More pages.** *Optimizers* shows seven optimizers on famous surfaces and on your own network's loss; *Health*
shows the activations and gradients of each layer.

**Your own data** is uploaded on the page *Data*. It stays on the server for you, in every tab of this browser, and for
those who train on it by your link, until a day after your last visit. If it is gone, the page says so and keeps your
settings.

**Your settings live in the address bar.** Copy the address: anyone who opens it gets the same experiment, and after the
same number of epochs the same numbers. **Share** hides or locks parts of the page for students, gives embed code for
your own web page, and saves experiments that are too long for a link. **Projector** makes the page readable from the
last row.
"""
)
st.subheader("Starting points")
preset_links(*PRESETS)
glossary()
st.page_link("../pages/playground.py", label="Back to the playground")
state.write_link()
