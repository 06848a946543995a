"""The playground: choose, press Play, watch it learn."""

from __future__ import annotations

from ui.header.preset_menu import lesson
from ui.header.toolbar import toolbar
from ui.playground.board import board
from ui.playground.data_controls import data_controls
from ui.playground.live_view import live, picture_first
from ui.playground.messages import divergence, refusals
from ui.playground.network_controls import function_controls, layer_controls
from ui.playground.other_settings import other_settings
from ui.playground.response_curves import response_controls
from ui.playground.training_bar import pace, proposal, training_bar, training_settings
from ui.playground.view_controls import view_controls
from ui.session import state

state.begin()

places = board()
with places.picture:
    live()
picture_first()
with places.tools:
    toolbar()
with places.bar:
    training_bar()
with places.settings:
    if state.view()["projector"]:
        pace()
    function_controls()
with places.training:
    training_settings(state.experiment().selects)
with places.messages:
    lesson()
    refusals()
    divergence()
    proposal()
with places.data:
    data_controls()
    layer_controls()
    view_controls()
    response_controls()
    other_settings()

state.write_link()
