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

/**
 * Leaves one finger on a chart to the browser, which scrolls the page and turns a tap into a click. Plotly gets two fingers:
 * they zoom, or rotate a surface. Without this a finger zooms the chart, or holds the page where the chart cannot zoom.
 */
export function leaveOneFingerToThePage(plot) {
  const stop = event => {
    if (event.touches.length < 2) event.stopPropagation();
  };
  for (const name of ['touchstart', 'touchmove']) plot.addEventListener(name, stop, { capture: true, passive: true });
}

/** The element that loaded Plotly. */
export function plotlyScript() {
  return /** @type {HTMLScriptElement} */ (document.querySelector('script[src*="plotly"]'));
}
