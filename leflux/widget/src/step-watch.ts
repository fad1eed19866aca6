// Watches what a step starts on the page: a navigation, requests, changes, a form that the browser refuses to send.

import { listen } from "./listen.js";
import { roots, type Usable } from "./page-elements.js";
import type { Kept } from "./task-journal.js";

const LOOK_MS = 50;
/** Without a change for this long, the page is at rest. */
const QUIET_MS = 150;
/** A page that never rests, such as one with a clock. */
const RESTLESS_MS = 1_500;
/** A request, or a control that is busy, has this long. */
const ANSWER_MS = 15_000;

/** The chat's own requests. */
const OWN = /\/(socket\.io\/|api\/(session|chat))/;

export type Pause = (ms: number) => Promise<void>;
type Navigate = Event & {
  navigationType: string;
  destination: { url: string; sameDocument: boolean };
  hashChange: boolean;
  userInitiated: boolean;
  downloadRequest: string | null;
  formData: FormData | null;
};
// biome-ignore lint/suspicious/noExplicitAny: wraps functions of any kind.
type Function = (...args: any[]) => any;

/** The Navigation API, where the browser has it. */
export function navigationOf(page: Document): EventTarget | undefined {
  return (page.defaultView as { navigation?: EventTarget } | null)?.navigation;
}

/** True when the event means that this document will be replaced. */
export function isLeaving(event: Event): boolean {
  const { destination, hashChange, downloadRequest } = event as Navigate;
  return !hashChange && !destination.sameDocument && downloadRequest === null;
}

export class StepWatch {
  /** Fields that the browser has found to be invalid. */
  readonly invalid = new Set<Usable>();
  going: Kept["going"];
  /** The navigation has ended without another page. */
  isCancelled = false;
  /** The status of a request that failed, or 0. */
  status = 0;
  private submit: SubmitEvent | null = null;
  private flight = 0;
  private changedAt = Date.now();
  private readonly stops: (() => void)[];

  constructor(
    private readonly page: Document,
    private readonly control: Element | null,
    private readonly note: (more: Partial<Kept>) => void,
  ) {
    const view = page.defaultView!;
    const top = page.documentElement;
    const root = control?.getRootNode() ?? top;
    const watcher = new MutationObserver(() => this.changed());
    for (const node of new Set([top, root])) watcher.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
    const navigation = navigationOf(page);
    this.stops = [
      () => watcher.disconnect(),
      listen(root, "invalid", ({ target }) => this.invalid.add(target as Usable), { capture: true }),
      listen(root, "submit", (event) => (this.submit = event as SubmitEvent), { capture: true }),
      this.wrap(view, "fetch", (call, [url, init]) => this.request(call() as Promise<Response>, url, init)),
      this.wrapXhr(view.XMLHttpRequest?.prototype),
    ];
    if (navigation === undefined) this.stops.push(listen(view, "beforeunload", () => this.go("unload")));
    else {
      this.stops.push(
        listen(navigation, "navigate", (event) => this.navigates(event as Navigate)),
        listen(navigation, "navigateerror", () => this.fails()),
        // A page that loads no document has taken the navigation over.
        listen(navigation, "navigatesuccess", () => this.stays()),
      );
    }
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  /** The step has been done, and its event handlers have run. */
  dispatched(): void {
    const { submit } = this;
    if (submit === null || submit.defaultPrevented || this.going !== undefined) return;
    const form = submit.target as HTMLFormElement;
    const said = (name: string): string =>
      (submit.submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "").toLowerCase();
    if (said("method") === "dialog" || /^(?!_self|_top|_parent).+/.test(said("target"))) return;
    const how = said("method") === "post" ? "post" : "get";
    this.go(navigationOf(this.page) === undefined ? how : "planned");
  }

  /** The form was sent, or the page has sent it by a script. */
  get isSubmitted(): boolean {
    return this.submit !== null;
  }

  /** Waits until what was started has come to rest, or the page is being left. */
  async rest(isWanted: () => boolean, pause: Pause): Promise<void> {
    const begun = Date.now();
    while (isWanted()) {
      await pause(LOOK_MS);
      if (this.going !== undefined && this.going !== "planned") return;
      const now = Date.now();
      const isBusy = this.flight > 0 || this.control?.getAttribute("aria-busy") === "true";
      if (now - begun > (isBusy ? ANSWER_MS : RESTLESS_MS)) return;
      if (!isBusy && now - this.changedAt >= QUIET_MS && now - begun >= QUIET_MS) return;
    }
  }

  private changed(): void {
    this.changedAt = Date.now();
  }

  private go(how: Kept["going"]): void {
    this.going = how;
    this.isCancelled = false;
    this.note({ going: how, isCancelled: false });
  }

  private fails(): void {
    if (this.going === undefined) return;
    this.isCancelled = true;
    this.note({ isCancelled: true });
  }

  private stays(): void {
    this.going = undefined;
    this.note({ going: undefined });
    this.changed();
  }

  private navigates(event: Navigate): void {
    // The visitor's own navigation, and a reload, are not what the step has started. A browser takes a form for the
    // visitor's own for some seconds after any key.
    if (!isLeaving(event) || event.navigationType === "reload" || (event.userInitiated && this.submit === null)) return;
    this.go(event.formData !== null || this.isPosted(event.destination.url) ? "post" : "get");
  }

  /** A form without fields is sent without data. */
  private isPosted(url: string): boolean {
    const forms = roots(this.page).flatMap((root) => [...root.querySelectorAll("form")]);
    const posts = (element: Element, name: string): boolean => /^post$/i.test(element.getAttribute(name) ?? "");
    const address = (element: Element, name: string): string => new URL(element.getAttribute(name) ?? "", element.baseURI).href;
    const buttons = roots(this.page).flatMap((root) => [...root.querySelectorAll("[formmethod],[formaction]")]);
    const goals = [...forms, ...buttons].filter((each) => posts(each, "method") || posts(each, "formmethod") || posts((each as Usable).form ?? each, "method"));
    return goals.some((each) => [address(each, "action"), address(each, "formaction")].includes(url));
  }

  private request(answer: Promise<Response>, input: unknown, init?: RequestInit): Promise<Response> {
    const asked = input as Partial<Request>;
    const settle = this.sent(String(asked?.url ?? input), init?.method ?? asked?.method ?? "GET");
    void answer.then(({ status }) => settle(status), () => settle(0));
    return answer;
  }

  /** Counts a request. Returns what to call with its status. */
  private sent(url: string, method: string): (status: number) => void {
    if (OWN.test(url)) return () => undefined;
    const changes = !/^(get|head)$/i.test(method);
    this.flight += 1;
    if (changes) this.note({ sent: true });
    return (status) => {
      this.flight -= 1;
      this.changed();
      if (changes) this.note({ sent: false });
      if (changes && status >= 400) this.status = status;
    };
  }

  private wrapXhr(proto: XMLHttpRequest | undefined): () => void {
    if (proto === undefined) return () => undefined;
    const asked = new WeakMap<XMLHttpRequest, [string, string]>();
    const opens = this.wrap(proto, "open", (call, [method, url], request) => {
      asked.set(request as XMLHttpRequest, [String(url), String(method)]);
      return call();
    });
    const sends = this.wrap(proto, "send", (call, _, request) => {
      const [url, method] = asked.get(request as XMLHttpRequest) ?? ["", "GET"];
      const settle = this.sent(url, method);
      (request as XMLHttpRequest).addEventListener("loadend", () => settle((request as XMLHttpRequest).status), { once: true });
      return call();
    });
    return () => {
      sends();
      opens();
    };
  }

  /** Wraps a function of the page until the step is over, unless the page has wrapped it too meanwhile. */
  private wrap<T extends object>(holder: T, name: keyof T, around: (call: () => unknown, args: Parameters<Function>, self: unknown) => unknown): () => void {
    const real = holder[name];
    if (typeof real !== "function") return () => undefined;
    let isOn = true;
    const wrapped = new Proxy(real as Function, {
      apply: (target, self, args) => {
        const call = (): unknown => Reflect.apply(target, self, args);
        return isOn ? around(call, args, self) : call();
      },
    }) as T[keyof T];
    try {
      holder[name] = wrapped;
    } catch {
      // A page may have frozen it.
    }
    return () => {
      isOn = false;
      if (holder[name] === wrapped) holder[name] = real;
    };
  }
}
