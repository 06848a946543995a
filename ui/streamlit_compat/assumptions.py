"""What this app relies on in Streamlit beyond its documented interface."""

from __future__ import annotations

from typing import NamedTuple

from ui.streamlit_compat.dom import Mark, of_key


class Assumption(NamedTuple):
    """One thing that a new version of Streamlit may change."""

    name: str
    relies_on: str  # what must be true, a clause
    used_in: tuple[str, ...]  # names of files
    breaks: str  # what a visitor notices when it is not, a clause
    mark: Mark | None = None  # of the document
    example: str = ""  # a selector that matches something as long as the assumption holds
    where: str = "playground"  # where the example can be seen; see tests/browser/test_streamlit_contract.py

    def broken(self, found: str = "") -> str:
        """The sentence for a person who has updated Streamlit."""
        where = ", ".join(self.used_in)
        return f"Streamlit has changed, and it is no longer true that {self.relies_on}{found}. Used in {where}; " \
               f"without it {self.breaks}."  # fmt: skip


def _mark(mark: Mark, relies_on: str, used_in: str, breaks: str, example: str = "", where: str = "playground"):
    name = mark.name.lower().replace("_", " ")
    return Assumption(name, relies_on, tuple(used_in.split()), breaks, mark, example or mark, where)


PYTHON = (
    Assumption(
        "callbacks yield",
        "SafeSessionState.on_script_will_rerun runs the callbacks of a message and calls self._yield_callback before",
        ("uninterrupted_callbacks.py",),
        "a click that is followed immediately by another message is lost",
    ),
    Assumption(
        "one script run",
        "with runner.fastReruns off, AppSession.request_rerun hands a message to the script run that is going on, and "
        "ScriptRequests keeps the presses of a message that still waits when another one comes",
        ("config.toml",),
        "a press is lost that is followed by another message, or changes what the one before it changes",
    ),
    Assumption(
        "gone fragment",
        "AppSession.request_rerun drops a message for a fragment that has_fragment does not know, and runs the whole "
        "page for one without a fragment_id; is_auto_rerun tells a fragment's clock from a press",
        ("late_presses.py",),
        "a press is lost that comes while a part of the page redraws itself or ends its work",
    ),
    Assumption(
        "uploaded file",
        "uploads are held by a MemoryUploadedFileManager, which frees a file by session_id and file_id",
        ("uploads.py",),
        "each uploaded file stays in memory until its session ends",
    ),
    Assumption(
        "clear cache",
        "AppSession._handle_clear_cache_request alone carries out a browser's wish to clear the caches of all",
        ("server.py",),
        "one visitor's message ends the presence of all others",
    ),
    Assumption(
        "session storage",
        "the server keeps disconnected sessions in memory_session_storage.MemorySessionStorage(maxsize, ttl_seconds), "
        "whose _cache.expire() lets go of those whose time is over",
        ("server.py",),
        "sessions and their uploads stay in memory until another visitor leaves",
    ),
    Assumption(
        "generated download",
        "MediaFileManager.execute_deferred makes the file of a download button, _deferred_callables names its session, "
        "and a file to which a session refers is not deleted",
        ("downloads.py",),
        "generated downloads pile up in memory, and in a class one may be gone before its browser fetches it",
    ),
    Assumption(
        "frontend files",
        "the files that index.html names are in streamlit/static/static, under names that change with their content "
        "and begin with that of the part, such as Html",
        ("frontend_files.py",),
        "Streamlit serves its own scripts, uncompressed and read again for each visitor, and the first picture is late",
    ),
    Assumption(
        "session cache",
        'a cache_resource of scope "session" is released when the connection of its session ends, and not before',
        ("connection.py",),
        "runs without a viewer continue to train",
    ),
    Assumption(
        "widget key",
        "a widget with a new key shows session_state[key], whatever the browser sends under the old key",
        ("state.py",),
        "a click can undo a change that the browser has not seen yet",
    ),
)
DOCUMENT = (
    _mark(Mark.APP, "the root of the app has this mark, and another class in another theme",
          "page_frame.js reconnect.js",
          "a page stays empty after its connection was lost, and charts keep the colors of the last theme"),
    _mark(Mark.CONNECTION_STATE, 'the root of the app says "CONNECTED" while it is', "reconnect.js",
          "a page stays empty after its connection was lost", f'{Mark.APP}[{Mark.CONNECTION_STATE}="CONNECTED"]'),
    _mark(Mark.SCRIPT_STATE, 'the root of the app says "running" or "notRunning" of its script', "live.js",
          "a status message of the live view can interrupt a click", f'{Mark.APP}[{Mark.SCRIPT_STATE}="notRunning"]'),
    _mark(Mark.MAIN_BLOCK, "the content of a page is in this block", "page.css",
          "pages have wide empty margins"),
    _mark(Mark.APP_HEADER, "the header of an embedded page can be hidden", "style.py",
          "embedded pages show title and navigation", where="embedded"),
    _mark(Mark.VERTICAL_BLOCK, "containers are such blocks, and a keyed one carries its key", "page.css",
          "controls are far apart", f"{Mark.MAIN_BLOCK} {Mark.VERTICAL_BLOCK}{of_key('board')}"),
    _mark(Mark.SLIDER_VALUE, "the number above the thumb of a slider has this mark", "page.css",
          "numbers of sliders touch their labels", f"{of_key('field_learning_rate')} {Mark.SLIDER_VALUE}"),
    _mark(Mark.SLIDER_ENDS, "the ends of a slider are named below its track, in an element with this mark", "style.py",
          "names of ends cover response curves", f"{of_key('field_learning_rate')} {Mark.SLIDER_ENDS}"),
    _mark(Mark.STALE, "elements say with this mark whether the present script run has not drawn them yet", "page.css",
          "the page pales while a script runs, below the contrast that text needs"),
    _mark(Mark.CAPTION, "captions have this mark", "page.css", "captions are too pale to read", where="data"),
    _mark(Mark.WIDGET_LABEL, "labels of widgets have this mark", "page.css lockable_parts.py",
          "controls are far apart, and locked ones do not show it", f"{Mark.MAIN_BLOCK} label{Mark.WIDGET_LABEL}"),
    _mark(Mark.NAVIGATION_LINK, "links of the navigation have this mark", "page.css",
          "the keyboard focus in the navigation cannot be seen"),
    _mark(Mark.SIDE_NAVIGATION, "on a phone the pages are a list in which titles of groups are not items",
          "page_frame.js", "screen readers miscount the list of pages", f"{Mark.SIDE_NAVIGATION} > div", where="phone"),
    _mark(Mark.PRIMARY_BUTTON, "primary buttons have this mark", "style.py",
          "labels of primary buttons are too pale in the dark theme"),
    _mark(Mark.CHOSEN_VALUES, "the values chosen in a box that takes several have this mark", "style.py",
          "they are too pale in the dark theme", where="studies"),
    _mark(Mark.DIALOG, "an open dialog has this mark", "keys.js live.js",
          "keys act behind an open dialog, and a status message closes it", where="dialog"),
    _mark(Mark.HELP_ICON, "a label holds an icon with its help", "page.css",
          "help icons are between the controls", f"label {Mark.HELP_ICON}"),
    _mark(Mark.KEY, "the class of a keyed element is st-key- and its key",
          "page.css page_frame.js drag.js drawing_pad.js guide.js keys.js response_curve.js style.py lockable_parts.py",
          "keyboard shortcuts, hidden parts and sliders that act while they are dragged do nothing", of_key("play")),
    _mark(Mark.THEME_VARIABLE, "components inherit the colors and the font of the theme as --st-background-color, "
          "--st-border-color, --st-font, --st-primary-color and --st-text-color",
          "charts.css copy_button.css images.css live.css page.css save.css palette.js table.css thumbnails.css "
          "view.js",
          "the live view is light on a dark page", where="theme"),
    Assumption("wrapped container", "a container is alone in an element of its own", ("page.css", "style.py"),
               "empty containers take up space, and the data is not beside the picture", None,
               f":has(> {of_key('tools')}:only-child)"),
    Assumption("slider text", "the thumb of a slider says its value in aria-valuetext", ("drag.js",),
               "sliders act only when they are released", None,
               '[class*="st-key-field_learning_rate"] input[type="range"][aria-valuetext="0.03"]'),
    Assumption("slider track", "the track of a slider is the content of its group", ("response_curve.js",),
               "response curves are not below their sliders", None,
               f"{of_key('field_learning_rate')} [role=group] > :only-child"),
    Assumption("place of a text", "the content of st.html is in two elements of its own", ("style.py",),
               "response curves move the controls beside them", None, ":only-child > .live-readout:only-child"),
    Assumption("theme after printing", "Streamlit reads matchMedia('(prefers-color-scheme: dark)') again at afterprint",
               ("projector.js",), "the projector stays dark", where="printing"),
)  # fmt: skip
ASSUMPTIONS = PYTHON + DOCUMENT
