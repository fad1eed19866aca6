// Prepares a step: finds the element that it means, and refuses what must not be done.

import { clickRefusal, fillRefusal } from "./click-effect.js";
import { nameOf, plain, shortName, submits, type Usable, usable } from "./page-elements.js";
import { isForbidden } from "./page-fields.js";
import { type Found, find, recognize } from "./page-search.js";
import { above, cover, isVisible } from "./page-visibility.js";
import type { ActionResult, Plan, Step } from "./protocol.js";
import { fill, hover, press } from "./step-fill.js";
import type { Pause } from "./step-watch.js";

const APPEARS_MS = 5_000;
const LOOK_MS = 100;
const SHOWN_MS = 800;
/** A menu that opens by the pointer is tried after this time without the element. */
const HOVER_MS = 1_000;

const CAPTCHA = ".g-recaptcha:not([data-size=invisible]),.h-captcha,.cf-turnstile,iframe[src*=captcha],iframe[src*=turnstile]";

export type Result = ActionResult;

/** What a step will do. `go` does it, and tells why it could not. `isWatched`: something may come of it. */
export interface Ready {
  element: Usable | null;
  go: () => Promise<Result | null>;
  isWatched: boolean;
}

const pause: Pause = (ms) => new Promise((done) => setTimeout(done, ms));

type Place = Pick<URL, "origin" | "pathname" | "search">;

export function samePage(one: Place, other: Place): boolean {
  const [a, b] = [one, other].map(({ origin, pathname, search }) => origin + pathname.replace(/\/$/, "") + search);
  return a === b;
}

export const failed = (error: string, description = ""): Result => ({ success: false, error, ...(description ? { description } : {}) });

export class StepActions {
  /** `known(id)`: the element that a description of this page has named so. */
  constructor(
    private readonly page: Document,
    private readonly known: (id: string) => Usable | null,
  ) {}

  /** Resolves with the failure when the step cannot or must not be done. */
  async prepare(step: Step, plan: Plan, isWanted: () => boolean, rest: Pause): Promise<Ready | Result> {
    if (step.action === "wait") return doing(null, () => pause(step.waitDuration ?? 0));
    if (step.action === "navigate") return this.navigate(step.url ?? "");
    const element = await this.wait(step, isWanted);
    if ("success" in element) return element;
    outline(element);
    if (step.action === "scroll_to") return doing(element, () => undefined);
    if (step.action === "click") return click(plan, step, element);
    if (isForbidden(element)) return failed("forbidden_field");
    const refusal = fillRefusal(element, plan.hosts);
    if (refusal !== null) return failed(refusal);
    const go = async (): Promise<Result | null> => {
      const isDone = await fill(element, step.inputData ?? "", step.action === "select", rest);
      return isDone ? null : failed("element_missing");
    };
    return { element, go, isWatched: false };
  }

  /** Waits for an element that a person could use. Resolves with the failure when there is none in time. */
  private async wait(step: Step, isWanted: () => boolean): Promise<Usable | Result> {
    const begun = Date.now();
    let isHovered = false;
    for (;;) {
      if (!isWanted()) return failed("element_missing");
      const found = this.find(step);
      const problem = typeof found === "string" ? failed(found) : obstacle(found, step.action);
      if (problem === null) return found as Usable;
      if (Date.now() - begun > APPEARS_MS) return problem;
      if (!isHovered && found === "element_missing" && Date.now() - begun > HOVER_MS) isHovered = this.unfold(step);
      await pause(LOOK_MS);
    }
  }

  private find({ elementId, target }: Step): Found {
    return elementId === undefined ? find(this.page, target) : recognize(this.page, this.known(elementId), target);
  }

  /** Points at what may open the menu that has the element. Returns true, whether it helps or not. */
  private unfold({ target }: Step): true {
    const wanted = plain(target?.name ?? target?.label ?? "").toLowerCase();
    const all = [...this.page.querySelectorAll<Usable>("a[href],button,[role]")];
    const hidden = all.find((each) => wanted !== "" && nameOf(each).toLowerCase() === wanted && !(each.getClientRects().length > 0 && isVisible(each)));
    for (let node = hidden && above(hidden); node; node = above(node)) {
      const trigger = usable(this.page, "[aria-haspopup],[aria-expanded=false]").find((each) => each === node || each.parentElement === node);
      if (trigger === undefined || !isVisible(trigger)) continue;
      hover(trigger);
      if (trigger.parentElement !== null) hover(trigger.parentElement);
      break;
    }
    return true;
  }

  /** Clicks the page's own link if there is one: it may navigate without loading a document. */
  private navigate(url: string): Ready | Result {
    const { location } = this.page;
    const goal = new URL(url, location.href);
    if (!/^https?:$/.test(goal.protocol)) return failed("forbidden_url");
    const link = usable(this.page).find(
      (element) => element.tagName === "A" && !(element as unknown as HTMLAnchorElement).target && !(element as unknown as HTMLAnchorElement).download &&
        element.ownerDocument === this.page.documentElement.ownerDocument && samePage(element as unknown as HTMLAnchorElement, goal),
    );
    return doing(null, () => {
      if (samePage(location, goal)) return;
      if (link === undefined) location.assign(url);
      else link.click();
    }, true);
  }
}

function doing(element: Usable | null, act: () => unknown, isWatched = false): Ready {
  const go = async (): Promise<null> => {
    await act();
    return null;
  };
  return { element, go, isWatched };
}

function click(plan: Plan, step: Step, element: Usable): Ready | Result {
  if (element.type === "file") return failed("forbidden_field");
  if (asksForHuman(element)) return failed("captcha");
  const refusal = clickRefusal(element, plan.hosts);
  if (refusal !== null) return failed(refusal);
  if (step.guarded && isGrave(element, step)) return failed("consent_needed", shortName(element));
  return doing(element, () => press(element), true);
}

/** Why a person could not use the element now, or null. Scrolls it into view, without motion. */
function obstacle(element: Usable, action: Step["action"]): Result | null {
  if (element.disabled === true || element.getAttribute("aria-disabled") === "true") return failed("element_missing");
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const over = action === "scroll_to" ? null : cover(element);
  return over === null ? null : failed(over === "" ? "element_missing" : "covered", over);
}

/** A click that submits, has no name, or is on something that is called otherwise than the step, which the server has checked. */
function isGrave(element: Usable, { target }: Step): boolean {
  const name = shortName(element).toLowerCase();
  return submits(element) || name === "" || name !== plain(target?.name ?? target?.label ?? "").toLowerCase();
}

/** The element belongs to a form with a CAPTCHA, which only the visitor may submit. */
function asksForHuman(element: Usable): boolean {
  const form = element.closest("form");
  // Asks the prototype: a field of the form may have the name of the method.
  return element.matches(CAPTCHA) || (form !== null && Element.prototype.querySelector.call(form, CAPTCHA) !== null);
}

/** Outlines the element for a moment. */
function outline(element: Usable): void {
  const line = "3px solid #5b4bdb";
  element.animate?.([{ outline: line }, { outline: line }], SHOWN_MS);
}
