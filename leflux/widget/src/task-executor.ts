// Runs a task's steps on this page. Each step starts after the server's permission, is written into the tab's journal before
// and after it is done, and ends with a report of what came of it.

import type { Chat } from "./chat.js";
import { listen } from "./listen.js";
import type { Describer } from "./page-description.js";
import { alerts, flagged, holds, problems, seen } from "./page-seen.js";
import type { Ack, Expect, Plan, Seen, Step } from "./protocol.js";
import { EVENTS } from "./protocol.js";
import { failed, type Result, StepActions, samePage } from "./step-actions.js";
import { isLeaving, navigationOf, type Pause, StepWatch } from "./step-watch.js";

const LOOK_MS = 100;
const AGAIN_MS = 300;
const LEAVES_MS = 20_000;
/** A page that the step has led to may lead on. */
const LEADS_ON_MS = 5_000;
const EXPECT_MS = 5_000;

/** A page may have nothing to tell. */
const told = (shown: Seen): { seen?: Seen } => (Object.values(shown).some(Boolean) ? { seen: shown } : {});

const pause: Pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class TaskExecutor {
  private run: Plan | null = null;
  /** The step that is running. */
  private doing: string | null = null;
  /** When this document began to be left. */
  private leavingSince = Number.NEGATIVE_INFINITY;
  /** The alerts that the page has shown before the plan. */
  private known: string[] = [];
  private readonly actions: StepActions;
  private unfollow = (): void => undefined;

  /** `rest` waits while the page comes to rest. */
  constructor(
    private readonly page: Document,
    private readonly chat: Chat,
    private readonly inspector: Describer,
    private readonly notify: (name: "action" | "navigating", detail: object) => void,
    private readonly rest: Pause = pause,
  ) {
    this.actions = new StepActions(page, (id) => inspector.element(id));
  }

  stop(): void {
    this.run = null;
    this.unfollow();
  }

  async start(plan: Plan): Promise<void> {
    // A reconnect may send the running plan again.
    const next = plan.actions.find(({ status }) => status !== "done");
    if (this.doing !== null && this.doing === next?.id && this.run?.taskId === plan.taskId) return;
    const { journal } = this.chat.tasks;
    if (journal.isStopped(plan.taskId)) return;
    this.run = plan;
    this.follow();
    journal.take(plan.taskId);
    this.known = next === undefined || next.status === "started" ? [] : alerts(this.page);
    const results: object[] = [];
    for (const step of plan.actions) {
      if (step.status === "done") continue;
      const result = await this.perform(plan, step);
      if (result?.success !== true) return;
      step.status = "done";
      this.chat.progress.plan(plan);
      this.chat.changed();
      results.push({ actionId: step.id, ...result });
    }
    if (next === undefined) await this.settled(plan);
    await this.inspector.send();
    const result = this.inspector.told({ success: true, results, seen: seen(this.page, this.known) });
    await this.report(plan, EVENTS.sequenceComplete, { result });
    if (this.run === plan) this.stop();
  }

  /** Notices that this document is about to be replaced: nothing must be done on it any more. */
  private follow(): void {
    this.unfollow();
    const { journal } = this.chat.tasks;
    const leaves = (): void => {
      this.leavingSince = Date.now();
      journal.leave();
    };
    const stays = (): void => {
      this.leavingSince = Number.NEGATIVE_INFINITY;
    };
    const navigation = navigationOf(this.page);
    const stops = [listen(this.page.defaultView!, "beforeunload", leaves)];
    if (navigation !== undefined) {
      stops.push(listen(navigation, "navigate", (event) => isLeaving(event) && leaves()));
      stops.push(...["navigateerror", "navigatesuccess"].map((name) => listen(navigation, name, stays)));
    }
    this.unfollow = () => {
      for (const stop of stops) stop();
    };
  }

  private async report(plan: Plan, event: string, payload: object): Promise<boolean> {
    let answer: Ack<object> | null = null;
    // Without an answer the server may not know: after a reconnect it asks nothing about a step of this page.
    while (answer === null && this.run === plan) {
      answer = await this.chat.sync.ask(event, { taskId: plan.taskId, ...payload });
      if (answer === null) await pause(AGAIN_MS);
    }
    return answer?.ok === true && this.run === plan;
  }

  /** Resolves with null when the server refused the step, another plan has replaced this one, or the page is left. */
  private async perform(plan: Plan, step: Step): Promise<Result | null> {
    const actionId = step.id;
    this.doing = actionId;
    try {
      // A step that has begun already has led to this page.
      const hasArrived = step.status === "started";
      if (!hasArrived && !(await this.report(plan, EVENTS.started, { actionId }))) return null;
      this.notify("action", { taskId: plan.taskId, step });
      const outcome = hasArrived ? await this.arrived(plan, step) : await this.act(plan, step);
      if (outcome === null || this.run !== plan) return null;
      const result = this.inspector.told(outcome);
      this.chat.tasks.journal.result(actionId, result);
      return (await this.report(plan, EVENTS.completed, { actionId, result })) ? result : null;
    } finally {
      if (this.doing === actionId) this.doing = null;
    }
  }

  private async act(plan: Plan, step: Step): Promise<Result | null> {
    const isWanted = (): boolean => this.run === plan;
    const ready = await this.actions.prepare(step, plan, isWanted, this.rest);
    if ("success" in ready) {
      // So that the report of this failure survives, too.
      if (isWanted()) this.chat.tasks.journal.begin(plan.taskId, step.id, "undone");
      return ready;
    }
    if (!(await this.stays(plan))) return null;
    if (step.url !== undefined) this.notify("navigating", { url: step.url });
    const { journal } = this.chat.tasks;
    const watch = new StepWatch(this.page, ready.element, (more) => journal.note(more));
    try {
      journal.begin(plan.taskId, step.id, "begun");
      const done = ready.go();
      if (ready.isWatched) journal.note({ state: "dispatched" });
      const problem = await done;
      watch.dispatched();
      if (problem !== null) return problem;
      return ready.isWatched || step.expect ? await this.outcome(plan, step, watch, ready.go) : { success: true };
    } finally {
      watch.stop();
    }
  }

  /** False when the page is being left, or the plan replaced: the step must not be done. */
  private async stays(plan: Plan): Promise<boolean> {
    while (this.run === plan && Date.now() - this.leavingSince < LEAVES_MS) await pause(LOOK_MS);
    return this.run === plan;
  }

  /** What came of a step that was done on this page; null when it has led to another one. */
  private async outcome(plan: Plan, step: Step, watch: StepWatch, again: () => unknown): Promise<Result | null> {
    const isWanted = (): boolean => this.run === plan;
    const { location } = this.page;
    await watch.rest(isWanted, this.rest);
    if (watch.going === "get" && watch.isCancelled) {
      // To ask for a page once more does no harm.
      again();
      await watch.rest(isWanted, this.rest);
    }
    const until = Date.now() + LEAVES_MS;
    const goal = step.url === undefined ? null : new URL(step.url, location.href);
    const isLeft = (): boolean => watch.going !== undefined && !watch.isCancelled;
    const problem = goal === null || !samePage(location, goal) ? this.problem(watch) : null;
    if (problem !== null && !isLeft()) return problem;
    // Only what was sent, or has an address to reach, must lead to another page: other links may load a file.
    while ((goal !== null && !samePage(location, goal)) || (goal === null && isLeft())) {
      if (!isWanted()) return null;
      if (watch.isCancelled && watch.going === "post") return failed("interrupted");
      const isOver = Date.now() > until || (watch.isCancelled && !isLeft());
      if (isOver && goal === null && watch.going !== "post" && watch.going !== "planned") break;
      if (isOver) return { ...failed("page_not_reached"), url: location.href, ...told(seen(this.page, this.known)) };
      await pause(LOOK_MS);
    }
    return this.verified(plan, step);
  }

  /** Why the page has not taken the step, or null. */
  private problem(watch: StepWatch): Result | null {
    if (watch.invalid.size > 0 && !watch.isSubmitted) return { ...failed("invalid_form"), fields: problems(watch.invalid) };
    const fields = watch.isSubmitted ? flagged(this.page) : [];
    if (fields.length > 0) return { ...failed("invalid_form"), fields };
    if (watch.status > 0) return { ...failed("page_failed"), status: watch.status, seen: seen(this.page, this.known) };
    return null;
  }

  /** What came of a step that has led to this page. */
  private async arrived(plan: Plan, step: Step): Promise<Result | null> {
    this.chat.tasks.journal.begin(plan.taskId, step.id, "arrived");
    await this.settled(plan);
    const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const { location } = this.page;
    const shown = { url: location.href, seen: seen(this.page) };
    const status = entry?.responseStatus ?? 0;
    const fields = flagged(this.page);
    if (fields.length > 0) return { ...failed("invalid_form"), fields, url: location.href };
    if (status >= 400) return { ...failed("page_failed"), status, ...shown };
    const until = Date.now() + LEADS_ON_MS;
    while (step.url !== undefined && !samePage(location, new URL(step.url, location.href))) {
      if (this.run !== plan) return null;
      if (Date.now() > until) return { ...failed("page_not_reached"), ...shown };
      await pause(LOOK_MS);
    }
    return this.verified(plan, step);
  }

  private async settled(plan: Plan): Promise<void> {
    while (this.page.readyState === "loading" && this.run === plan) await pause(LOOK_MS);
    const watch = new StepWatch(this.page, null, () => undefined);
    await watch.rest(() => this.run === plan, this.rest);
    watch.stop();
  }

  /** Waits for what the step expects. */
  private async verified(plan: Plan, { expect }: Step): Promise<Result | null> {
    const url = this.page.location.href;
    const within = (expect as Expect | undefined)?.within ?? EXPECT_MS;
    const until = Date.now() + within;
    while (expect !== undefined && !holds(this.page, expect)) {
      if (this.run !== plan) return null;
      if (Date.now() > until) return { ...failed("expectation_failed"), url, seen: seen(this.page, this.known) };
      await pause(LOOK_MS);
    }
    return { success: true, url: this.page.location.href };
  }
}
