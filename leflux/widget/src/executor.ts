// Runs a task's steps on this page. The server is asked before each step and told after it: a step runs only when it
// has said yes, and what it has not been told of is for it to sort out after a reload.

import type { Chat } from "./chat.js";
import { asksForHuman, find, isForbidden, recognize, type Usable, usable } from "./elements.js";
import type { Inspector } from "./inspector.js";
import type { Plan, Step } from "./wire.js";
import { EVENTS } from "./wire.js";

const APPEARS_MS = 5_000;
const LOOK_MS = 100;
const LEAVES_MS = 20_000;
const SHOWN_MS = 800;

interface Result {
  success: boolean;
  error?: string;
  url?: string;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class Executor {
  private run: Plan | null = null;

  constructor(
    private readonly page: Document,
    private readonly chat: Chat,
    private readonly inspector: Inspector,
    private readonly told: (name: "action" | "navigating", detail: object) => void,
  ) {}

  stop(): void {
    this.run = null;
  }

  async start(plan: Plan): Promise<void> {
    this.run = plan;
    const results: object[] = [];
    for (const step of plan.actions) {
      if (step.status === "done") continue;
      const result = await this.perform(plan, step);
      if (result?.success !== true) return;
      results.push({ actionId: step.id, ...result });
    }
    await this.inspector.tell();
    await this.tell(plan, EVENTS.sequenceComplete, { result: { success: true, results } });
  }

  private async tell(plan: Plan, event: string, payload: object): Promise<boolean> {
    if (this.run !== plan) return false;
    const answer = await this.chat.sync.ask(event, { taskId: plan.taskId, ...payload });
    return answer?.ok === true && this.run === plan;
  }

  /** Null: the server did not want the step, or another plan has come. */
  private async perform(plan: Plan, step: Step): Promise<Result | null> {
    const actionId = step.id;
    if (!(await this.tell(plan, EVENTS.started, { actionId }))) return null;
    this.told("action", { taskId: plan.taskId, step });
    const result = await this.act(plan, step);
    return (await this.tell(plan, EVENTS.completed, { actionId, result })) ? result : null;
  }

  private async act(plan: Plan, step: Step): Promise<Result> {
    if (step.action === "wait") {
      await pause(step.waitDuration ?? 0);
      return { success: true };
    }
    if (step.action === "navigate") return this.navigate(step.url ?? "");
    const element = await this.wait(plan, step);
    if (element === null) return failed("element_missing");
    show(element);
    if (step.action === "click") return this.click(step, element);
    if (step.action === "scroll_to") return { success: true };
    if (isForbidden(element)) return failed("forbidden_field");
    return fill(element, step.inputData ?? "") ? { success: true } : failed("element_missing");
  }

  /** Null: it did not come, or the step is no longer this page's to run. */
  private async wait(plan: Plan, step: Step): Promise<Usable | null> {
    const until = Date.now() + APPEARS_MS;
    for (;;) {
      if (this.run !== plan) return null;
      const element = this.find(step);
      if (element !== null && element.disabled !== true) return element;
      if (Date.now() > until) return null;
      await pause(LOOK_MS);
    }
  }

  private find({ elementId, target }: Step): Usable | null {
    return elementId === undefined ? find(this.page, target) : recognize(this.page, this.inspector.element(elementId), target);
  }

  private async click(step: Step, element: Usable): Promise<Result> {
    if (element.type === "file") return failed("forbidden_field");
    if (asksForHuman(element)) return failed("captcha");
    if (step.url !== undefined) return this.leaveFor(step.url, () => element.click());
    element.click();
    return { success: true, url: this.page.location.href };
  }

  /** A link of the page itself knows best how to get there: it may not have to load another document. */
  private async navigate(url: string): Promise<Result> {
    const { location } = this.page;
    const goal = new URL(url, location.href);
    if (!/^https?:$/.test(goal.protocol)) return failed("forbidden_url");
    const link = usable(this.page).find(
      (element) => element instanceof HTMLAnchorElement && !element.target && !element.download && samePage(element, goal),
    );
    return this.leaveFor(url, () => (link === undefined ? location.assign(url) : link.click()));
  }

  /** The next page reports that it was reached, unless it is this same document that goes there. */
  private async leaveFor(url: string, go: () => void): Promise<Result> {
    const { location } = this.page;
    const goal = new URL(url, location.href);
    this.told("navigating", { url });
    if (!samePage(location, goal)) go();
    const until = Date.now() + LEAVES_MS;
    while (!samePage(location, goal)) {
      if (Date.now() > until) return { ...failed("page_not_reached"), url: location.href };
      await pause(LOOK_MS);
    }
    return { success: true, url: location.href };
  }
}

type Place = Pick<URL, "origin" | "pathname" | "search">;

function samePage(one: Place, other: Place): boolean {
  const [a, b] = [one, other].map(({ origin, pathname, search }) => origin + pathname.replace(/\/$/, "") + search);
  return a === b;
}

const failed = (error: string): Result => ({ success: false, error });

/** Brings it into view and marks it for a moment, without anything that moves or stays. */
function show(element: Usable): void {
  element.scrollIntoView({ block: "center" });
  const outline = "3px solid #5b4bdb";
  element.animate?.([{ outline }, { outline }], SHOWN_MS);
}

/** As a person would: through the element's own setter, so that a page's framework sees it. False: no such choice. */
function fill(element: Usable, text: string): boolean {
  const field = element as HTMLInputElement | HTMLSelectElement;
  let value = text;
  if (field instanceof HTMLSelectElement) {
    const options = [...field.options];
    const chosen =
      options.find((option) => option.value === text || option.text.trim() === text) ??
      options.find((option) => option.text.toLowerCase().includes(text.toLowerCase()));
    if (chosen === undefined) return false;
    value = chosen.value;
  }
  field.focus({ preventScroll: true });
  const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set;
  if (setter !== undefined) setter.call(field, value);
  else if (field.isContentEditable) field.textContent = value;
  else return false;
  for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
  return true;
}
