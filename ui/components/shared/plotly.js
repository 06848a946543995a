// Plotly's own script, which is large: fetched once, when a chart needs it.

/** @typedef {Window & { Plotly?: any, backpropPlotly?: Promise<any> }} PlotlyWindow */

/** Resolves to Plotly. */
export function loadPlotly(url) {
  const page = /** @type {PlotlyWindow} */ (window);
  if (page.Plotly) return Promise.resolve(page.Plotly);
  page.backpropPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => resolve(page.Plotly);
    script.onerror = () => {
      page.backpropPlotly = undefined;
      script.remove();
      reject(new Error('The curves could not be loaded: the server did not send Plotly.'));
    };
    document.head.append(script);
  });
  return page.backpropPlotly;
}

/** The element that loaded Plotly. */
export function plotlyScript() {
  return /** @type {HTMLScriptElement} */ (document.querySelector('script[src*="plotly"]'));
}
