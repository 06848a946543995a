"""Selectors of elements that Streamlit draws: Python takes them from here, CSS and JavaScript spell them out."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """A CSS selector, an attribute, or the beginning of a name, as it is in the document."""

    APP = '[data-testid="stApp"]'
    APP_HEADER = ".stAppHeader"
    MAIN_BLOCK = ".stMainBlockContainer"
    VERTICAL_BLOCK = ".stVerticalBlock"
    STALE = "[data-stale]"
    CAPTION = '[data-testid="stCaptionContainer"]'
    WIDGET_LABEL = '[data-testid="stWidgetLabel"]'
    SIDE_NAVIGATION = '[data-testid="stSidebarNavItems"]'
    NAVIGATION_LINK = '[data-testid="stTopNavLink"]'
    PRIMARY_BUTTON = '[data-testid="stBaseButton-primary"]'
    CHOSEN_VALUES = '[data-testid="stMultiSelectTagsContainer"]'
    DIALOG = '[data-testid="stDialog"]'
    SLIDER_VALUE = '[data-testid="stSliderThumbValue"]'
    SLIDER_ENDS = '[data-testid="stSliderTickBar"]'
    HELP_ICON = ".stTooltipIcon"
    KEY = "st-key-"  # begins the class of an element with a key
    CONNECTION_STATE = "data-test-connection-state"
    SCRIPT_STATE = "data-test-script-state"
    THEME_VARIABLE = "--st-"


def of_key(key: str) -> str:
    """Selector of the element with this key."""
    return f".{Mark.KEY}{key}"
