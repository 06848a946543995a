// A Streamlit component without a picture, on every page: what Back and Forward do, what screen readers hear of the menu,
// and a script run when the theme changes, because the script colors charts and Streamlit only paints its own widgets again.
import { keepOneEntryAPage } from '../shared/history.js';
import { readTheme } from '../shared/palette.js';

const LIST = '[data-testid=stSidebarNavItems]:not([role]), [data-testid=stSidebarNavItems] li:not([role])'; // on a phone

/** Streamlit's list of pages has titles among its items, which no list may have: without this it is no list. */
function mendList() {
  for (const part of document.querySelectorAll(LIST)) part.setAttribute('role', 'none');
}

/**
 * Whether a button of the bar is pointed at, as an attribute of the document's body. With :has(), browsers would ask again
 * whenever anything on the page changes: sixty times a second during training.
 */
function noteBar() {
  document.body.toggleAttribute('data-bar', Boolean(document.querySelector('.st-key-bar button:is(:hover, :focus-visible)')));
}

/** data.theme: the theme that the script has drawn in, 'light' or 'dark'. */
export default function frame({ parentElement, data, setTriggerValue }) {
  keepOneEntryAPage();
  mendList();
  const list = new MutationObserver(mendList);
  list.observe(document.body, { childList: true, subtree: true });
  const away = new AbortController();
  for (const event of ['pointerover', 'focusin']) document.addEventListener(event, noteBar, { signal: away.signal });
  let asked = data.theme;
  const followTheme = () => {
    const { name } = readTheme(parentElement);
    if (name !== asked) setTriggerValue('theme', asked = name);
  };
  followTheme();
  const theme = new MutationObserver(followTheme);
  theme.observe(parentElement.closest('[data-testid=stApp]'), { attributeFilter: ['class'] });
  return () => {
    [list, theme].forEach(observer => observer.disconnect());
    away.abort();
  };
}
