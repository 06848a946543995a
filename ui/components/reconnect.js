// Streamlit's own connection, seen from a component.

/**
 * Calls `tell` each time the connection is there again after it was lost. What a script run drew meanwhile never arrives,
 * and its end clears the page: whoever hears of it asks for another run. Returns what ends it.
 */
export function onReconnect(tell) {
  const app = document.querySelector('[data-testid=stApp]');
  const connected = () => app?.dataset.testConnectionState === 'CONNECTED';
  let before = connected();
  const observer = new MutationObserver(() => {
    const now = connected();
    if (now && !before) tell();
    before = now;
  });
  if (app) observer.observe(app, { attributeFilter: ['data-test-connection-state'] });
  return () => observer.disconnect();
}
