// The browser's history: one entry a page.

/**
 * Streamlit adds an entry whenever the address changes, which here holds the settings: Back would go through all of them, and
 * first to the same page. From now on only another page adds an entry; settings replace the address of the current one.
 */
export function keepOneEntryAPage() {
  const push = history.pushState;
  if ('isPatched' in push) return;
  const patched = (state, unused, url) => {
    const samePage = url && new URL(url, location.href).pathname === location.pathname;
    return samePage ? history.replaceState(state, unused, url) : push.call(history, state, unused, url);
  };
  history.pushState = Object.assign(patched, { isPatched: true });
}
