// Events of window and document. Their own `addEventListener` may be hidden by the page's markup (`<a id=addEventListener>`).

/** Returns a function that removes the handler. */
export function listen(target: EventTarget, type: string, handler: (event: Event) => void, options?: AddEventListenerOptions): () => void {
  method(target, "addEventListener").call(target, type, handler, options);
  return () => method(target, "removeEventListener").call(target, type, handler, options);
}

function method<K extends keyof EventTarget>(target: EventTarget, name: K): EventTarget[K] {
  return typeof target[name] === "function" ? target[name] : EventTarget.prototype[name];
}

export function dispatch(target: EventTarget, event: Event): void {
  method(target, "dispatchEvent").call(target, event);
}
