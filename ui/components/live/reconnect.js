// Streamlit's own connection, seen from a component.

/**
 * Calls `notify` each time the connection is back after it was lost. What a script run drew in between never arrives, and
 * its end clears the page, so the page needs another script run. Returns a function that stops watching.
 */
export function onReconnect(notify) {
  const app = /** @type {HTMLElement | null} */ (document.querySelector('[data-testid=stApp]'));
  const connected = () => app?.dataset.testConnectionState === 'CONNECTED';
  let before = connected();
  const observer = new MutationObserver(() => {
    const now = connected();
    if (now && !before) notify();
    before = now;
  });
  if (app) observer.observe(app, { attributeFilter: ['data-test-connection-state'] });
  return () => observer.disconnect();
}
