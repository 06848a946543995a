"""The page Runs: kept runs in a table, what can be done with the chosen ones, and their comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from data.counted import counted
from lab.store import exchange
from lab.store.address import StoreError
from lab.store.kept_run import MAX_NOTE, MAX_TAG, MAX_TAGS
from lab.store.shared import shared
from ui.kit.charts import theme
from ui.kit.escape import escape_markdown
from ui.kit.explained import explain, explained
from ui.kit.keep_button import keep_button
from ui.runs import comparison, listing, table
from ui.runs.listing import Runs
from ui.runs.report import report
from ui.session import keeping, run_list, state
from ui.session.run_list import MAX_CHOSEN, MAX_FIND, PARENT, RunList
from ui.streamlit_compat.uploads import read_and_free, uploaded

FEW, MANY = 50, 500  # rows that are shown, and after a press
COMPARED = 50  # runs of the list that are compared while none is chosen
SORT_LABELS = {"created": "Newest", "loss": "Lowest loss", "test_score": "Highest test score", PARENT: "Group"}
DESCENDING = ("created", "test_score")
EMPTY = (
    "No run is kept. **Keep the current run** above keeps the network of the Playground as it is now; on the page "
    "Compare, *Keep these runs* keeps a whole group. Kept runs are listed and compared here."
)


def can_keep() -> bool:
    """Whether this server keeps runs; if not, a sentence says why."""
    try:
        shared()
        state.keep_rule()
    except StoreError as problem:
        st.error(escape_markdown(str(problem)))
        return False
    return True


# Keeping --------------------------------------------------------------------------------------------------------------


def controls() -> None:
    """Beside the title: keep the current run, find runs, and what is needed less often."""
    now = listing.listed()
    keep_button("Keep the current run", type="primary")
    with st.container(width=260):
        help = (
            "Words in the settings, tags, notes and groups, such as `spiral adam`. `learning_rate>0.01`, "
            "`test_loss<0.1` and `status=diverged` compare; `star` finds runs with a star."
        )
        clean = lambda text: " ".join(text.split())  # noqa: E731
        st.text_input("Search", max_chars=MAX_FIND, help=help, placeholder="spiral learning_rate>0.01",
                      **listing.sets("find", clean))  # fmt: skip
    with st.container(width=170):
        names = list(dict.fromkeys([*SORT_LABELS, now.sort]))
        label = lambda name: SORT_LABELS.get(str(name), str(name).replace("_", " "))  # noqa: E731
        act = lambda name: listing.show(sort=name, descending=name in DESCENDING)  # noqa: E731
        help = "The order of the rows; the headings of the table sort, too."
        st.selectbox("Sort by", names, format_func=label, help=help, **listing.keyed("runs_sort", now.sort, act))
    with st.popover("More", help="All columns, when runs are kept without a press, export and import."):
        help = "All settings and figures, not only those that differ between these runs."
        st.toggle("All columns", key="runs_columns", help=help, persist_state="session")
        rule = state.keep_rule()
        help = "When your runs are kept without a press, on every page."
        st.selectbox("Keep automatically", list(keeping.RULES), format_func=keeping.RULES.__getitem__, help=help,
                     **listing.keyed("keep_rule", rule, explained(state.set_keep_rule)))  # fmt: skip
        _files()


# The list -------------------------------------------------------------------------------------------------------------


def page() -> None:
    """Table, what can be done with chosen runs, and their comparison."""
    now, keeper = listing.listed(), state.keeper()
    explain()
    try:
        order = {"sort": now.sort, "descending": now.descending}
        limit = MANY if state.notes().get("runs_many") else FEW
        found = shared().find(keeper, text=now.find, limit=limit, **order)
    except StoreError as problem:
        st.warning(escape_markdown(str(problem)))
        return
    chosen = listing.rows(now.ids)
    foreign = [run for run in chosen if run.id not in {other.id for other in found.runs}]
    shown = (*foreign, *found.runs)  # those of a link come first
    if not shown and not now.find:
        _undo(keeper)
        st.info(EMPTY)
        return
    _table(shown, chosen, keeper)
    _count(len(found.runs), found.total)
    _actions(chosen, keeper)
    if shown:
        comparison.compare(chosen or found.runs[:COMPARED], bool(chosen))


def _table(shown: Runs, chosen: Runs, keeper: str) -> None:
    now = listing.listed()
    columns = table.columns_of(shown, bool(st.session_state.get("runs_columns")))
    table.show(
        shown, shared().thumbnails(run.id for run in shown), columns, keeper=keeper, sort=now.sort,
        descending=now.descending, chosen=[run.id for run in chosen], handled=state.notes().get("runs_handled", 0),
        act=_act, theme=theme(),
    )  # fmt: skip


@explained
def _act(event: Any) -> None:
    """What a person has done in the table; it comes from a browser."""
    match event:
        case {"sort": str() as sort, "descending": bool() as descending} if sort in run_list.SORTS:
            listing.show(sort=sort, descending=descending)
        case {"id": str() as id, "star": bool() as star}:
            shared().update(state.keeper(), id[:24], star=star)
        case {"chosen": list() as ids, "at": int() as at}:
            known = tuple(id for id in ids if isinstance(id, str) and run_list.ID.fullmatch(id))
            state.notes()["runs_handled"] = at
            listing.show(ids=known[:MAX_CHOSEN])


def _count(shown: int, total: int) -> None:
    if total > shown:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"The first {shown:,} of {total:,} runs. Search to find others.")
            if shown < MANY:
                more = lambda: state.notes().update(runs_many=True)  # noqa: E731
                st.button(f"Show {min(MANY, total):,}", key="runs_more", on_click=more)


# What can be done -----------------------------------------------------------------------------------------------------


def _actions(chosen: Runs, keeper: str) -> None:
    own, now = tuple(run for run in chosen if run.owner == keeper), listing.listed()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs_actions"):
        if chosen:
            most = f" (at most {MAX_CHOSEN})" if len(chosen) == MAX_CHOSEN else ""
            st.markdown(f"**{len(chosen)} chosen**{most}", width="content")
            help = "Trains it again on the Playground, to the step where it was kept: the same network, to the bit."
            one = len(chosen) == 1
            open_it = partial(_open, chosen[0].id)
            if st.button(
                "Open on the Playground", key="runs_open", disabled=not one, help=help if one else "Choose one run."
            ):
                open_it()
            with st.popover("Tags and note", disabled=not own, help="What you write about the chosen runs."):
                _notes(own)
            help = "One file, which this page imports, and which `python -m lab log` logs in MLflow or trackio."
            make = partial(_exported, now.ids)
            _download("Export", "runs_export", make, f"chosen{exchange.SUFFIX}", exchange.MEDIA_TYPE, help)
            make = partial(_report, now, _address())
            _download("Report", "runs_report", make, "runs.html", "text/html",
                      "Charts and table in one HTML file that works offline.")  # fmt: skip
            help = "Deletes your chosen runs. You can undo it."
            st.button("Delete", key="runs_delete", on_click=_delete, disabled=not own, help=help)
            st.button("Choose none", key="runs_clear", on_click=partial(listing.show, ids=()))
        _undo(keeper)


def _download(label: str, key: str, make: Callable[[], str | bytes], file: str, kind: str, help: str) -> None:
    st.download_button(label, make, file, kind, key=key, help=help, on_click="ignore")


def _exported(ids: tuple[str, ...]) -> bytes:
    return exchange.export(shared().load(ids))


def _report(now: RunList, address: str) -> str:
    return report(shared().load(now.ids), now.by, now.x or "learning_rate", address)


def _address() -> str:
    return f"{state.address()}?{urlencode(state.link())}"


def _open(id: str) -> None:
    """Train a kept run again on the Playground."""
    if (found := shared().load((id,))) and state.repeat(found[0]):
        st.switch_page("../pages/playground.py")
    st.rerun()


@explained
def _delete() -> None:
    """Those that are chosen by now: a choice just before the press may not have been drawn."""
    ids = tuple(run.id for run in listing.rows(listing.listed().ids) if run.owner == state.keeper())
    if shared().delete(state.keeper(), ids):
        state.notes()["runs_deleted"] = ids
        kept = tuple(id for id in listing.listed().ids if id not in ids)
        listing.show(ids=kept)


def _undo(keeper: str) -> None:
    if deleted := state.notes().get("runs_deleted"):
        st.markdown(f"{len(deleted)} deleted.", width="content")
        st.button("Undo", key="runs_undo", on_click=_restore, args=(keeper, deleted), help="Restores them.")


@explained
def _restore(keeper: str, ids: tuple[str, ...]) -> None:
    shared().restore(keeper, ids)
    state.notes()["runs_deleted"] = ()


def _notes(own: Runs) -> None:
    """A form for tags, which several runs can get together, and for the note of one run."""
    ids = tuple(run.id for run in own)
    shared_tags = [tag for tag in own[0].tags if all(tag in run.tags for run in own)] if own else []
    key = f"runs_tags_{hash((ids, tuple(shared_tags)))}"
    with st.form(key, border=False):
        help = f"At most {MAX_TAGS}, each of at most {MAX_TAG} characters."
        tags = st.text_input("Tags, separated by commas", ", ".join(shared_tags), help=help)
        note = st.text_area("Note", own[0].note, max_chars=MAX_NOTE) if len(own) == 1 else None
        if st.form_submit_button("Save"):
            words = tuple(dict.fromkeys(filter(None, (" ".join(word.split()) for word in (tags or "").split(",")))))
            _write(own, shared_tags, words, note)


def _write(own: Runs, before: list[str], tags: tuple[str, ...], note: str | None) -> None:
    try:
        for run in own:
            kept = tuple(tag for tag in run.tags if tag not in before)
            shared().update(run.owner, run.id, tags=tuple(dict.fromkeys((*kept, *tags))), note=note)
    except StoreError as problem:
        st.error(escape_markdown(str(problem)))
    else:
        st.rerun()


# Files ----------------------------------------------------------------------------------------------------------------


def _files() -> None:
    now, keeper = listing.listed(), state.keeper()
    make = partial(_export_list, keeper, now.find, now.sort, now.descending)
    help = f"All runs of the list, at most {MANY}, in one file."
    _download("Export the list", "runs_export_all", make, f"list{exchange.SUFFIX}", exchange.MEDIA_TYPE, help)
    key = f"runs_file_{state.notes().get('runs_imports', 0)}"  # a new key empties the box, so that the file is freed
    help = "A file that this page has exported, here or elsewhere. A damaged file changes nothing."
    st.file_uploader("Import runs", type="gz", max_upload_size=exchange.MAX_FILE_MB, key=key, help=help,
                     on_change=_import, args=(key,))  # fmt: skip
    if said := state.notes().get("runs_imported"):
        (st.success if said[0] else st.error)(escape_markdown(said[1]))


def _export_list(keeper: str, text: str, sort: str, descending: bool) -> bytes:
    found = shared().find(keeper, text=text, sort=sort, descending=descending, limit=MANY)
    return exchange.export(reversed(shared().load(run.id for run in found.runs)))


def _import(widget: str) -> None:
    if (upload := uploaded(widget)) is None:
        return
    state.notes()["runs_imports"] = state.notes().get("runs_imports", 0) + 1
    try:
        runs = exchange.read(read_and_free(upload), state.keeper())
        ids = shared().keep(*runs)
    except StoreError as problem:
        state.notes()["runs_imported"] = False, str(problem)
    else:
        state.notes()["runs_imported"] = True, f"Imported {counted(len(set(ids)), 'run')}."
