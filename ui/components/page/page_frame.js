// A Streamlit component without a picture, on every page: what Back and Forward do, and what screen readers hear of the menu.
import { keepOneEntryAPage } from '../shared/history.js';

const LIST = '[data-testid=stSidebarNavItems]:not([role]), [data-testid=stSidebarNavItems] li:not([role])'; // on a phone

/** Streamlit's list of pages has titles among its items, which no list may have: without this it is no list. */
function mendList() {
  for (const part of document.querySelectorAll(LIST)) part.setAttribute('role', 'none');
}

export default function frame() {
  keepOneEntryAPage();
  mendList();
  const observer = new MutationObserver(mendList);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}
