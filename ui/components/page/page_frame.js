// A Streamlit component without a picture, on every page: what Back and Forward do, and what screen readers hear of the menu.
import { keepOneEntryAPage } from '../shared/history.js';

const TITLES = '[data-testid=stSidebarNavItems] > div:not([role])'; // of groups of pages, on a phone

/** A list may only have items: without this, screen readers miscount Streamlit's list of pages. */
function makeItems() {
  for (const title of document.querySelectorAll(TITLES)) title.setAttribute('role', 'listitem');
}

export default function frame() {
  keepOneEntryAPage();
  makeItems();
  const observer = new MutationObserver(makeItems);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}
