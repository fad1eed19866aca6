// The page in the preview frame of the appearance settings. The dashboard sets the widget's appearance.

interface PreviewWindow {
  LeFlux?: { open(): void };
}

let config: unknown = null;
let isReady = false;

function show(): void {
  if (config !== null && isReady) dispatchEvent(new CustomEvent("leflux:preview", { detail: config }));
}

addEventListener("message", (event) => {
  if (event.origin !== location.origin || event.source !== parent) return;
  config = (event.data as { preview?: unknown }).preview ?? null;
  show();
});

addEventListener("leflux:ready", () => {
  isReady = true;
  show();
  (window as PreviewWindow).LeFlux?.open();
});

parent.postMessage({ previewReady: true }, location.origin);

export {};
