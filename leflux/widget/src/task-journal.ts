// The journal of a task in this tab: which step it is about to do, and what it has done. It outlives the page, so after a
// reload or a crash of the server nobody is asked what the tab knows.

import type { ActionResult, TaskJournal as Wire } from "./protocol.js";
import { stringify } from "./text.js";
import type { TaskProgress } from "./types.js";

const KEY = "leflux:journal";

export interface Kept extends Wire {
  /** The page on which the step runs. */
  url?: string;
  /** The step will submit a form (`planned`), has begun a navigation, or (`unload`) the page goes for a reason that is not known. */
  going?: "planned" | "get" | "post" | "unload" | undefined;
  /** The navigation was given up, as when the visitor stops it or goes elsewhere. */
  isCancelled?: boolean;
  /** A request that changes something has gone out, and has not been answered. */
  sent?: boolean;
  /** The progress of the task, as it is shown. */
  shown?: TaskProgress;
}

/** How this document was loaded. */
export interface Arrival {
  url: string;
  /** `PerformanceNavigationTiming.type` */
  type: string;
}

type Area = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class TaskJournal {
  /** Beside the storage, which may fail. */
  private kept: Kept | null = null;
  /** This page has given up the steps, as after a takeover. */
  private isOver = false;

  /** `open` returns sessionStorage or throws. `page` names this instance of the page. */
  constructor(
    private readonly open: () => Area,
    readonly page: string,
    private readonly arrival: () => Arrival,
  ) {}

  /** What has become of the task here. */
  get report(): Wire | undefined {
    const kept = this.read();
    if (kept === null) return undefined;
    return kept.page === this.page ? { ...kept, left: this.isOver } : conclude(kept, this.arrival());
  }

  /** `report` with addresses that `address` has made what the server may know. */
  told(address: (href: string) => string): Wire | undefined {
    const { report } = this;
    if (report === undefined) return undefined;
    const { url: _, shown: __, result, ...told }: Kept = report;
    const hasUrl = typeof result?.url === "string";
    return { ...told, ...(result && { result: hasUrl ? { ...result, url: address(result.url!) } : result }) };
  }

  /** The progress that was shown last, also before the server has answered. */
  get shown(): TaskProgress | null {
    const kept = this.read();
    return kept?.stopped === true ? null : (kept?.shown ?? null);
  }

  show(shown: TaskProgress): void {
    const kept = this.read();
    this.write({ ...(kept?.taskId === shown.taskId ? kept : { taskId: shown.taskId, page: this.page }), shown });
  }

  /** A step may begin on this page. */
  begin(taskId: string, actionId: string, state: Kept["state"]): void {
    this.isOver = false;
    const shown = this.shown;
    this.write({ taskId, page: this.page, actionId, state: state!, url: this.arrival().url, ...(shown && { shown }) });
  }

  /** This page is about to run steps of the task. */
  take(taskId: string): void {
    this.isOver = false;
    const kept = this.read();
    if (kept?.taskId !== taskId || kept.page !== this.page) this.write({ taskId, page: this.page });
  }

  note(more: Partial<Kept>): void {
    const kept = this.read();
    if (kept?.page === this.page) this.write({ ...kept, ...more });
  }

  result(actionId: string, result: ActionResult): void {
    const kept = this.read();
    if (kept?.page !== this.page) return;
    const { taskId, page, shown } = kept;
    this.write({ taskId, page, actionId, state: "done", result, ...(shown && { shown }) });
  }

  /** The page is leaving. */
  leave(): void {
    this.note({ left: true });
  }

  /** The page gives up the steps. Returns what the next tab may tell the server. */
  giveUp(): Wire | null {
    const kept = this.read();
    if (kept?.page !== this.page) return null;
    this.isOver = true;
    const left = { ...kept, left: true };
    const given = kept.state !== "dispatched" ? left : kept.going || kept.sent ? { ...left, state: "begun" as const } : happened(left);
    this.write(given);
    return given;
  }

  /** Another tab has given up the steps, and tells what it has done. */
  adopt(given: Wire): void {
    this.write(given);
  }

  /** The visitor has stopped the task. Told with the next join, if not before. */
  stop(taskId: string): void {
    const kept = this.read();
    this.write({ ...(kept?.taskId === taskId ? kept : { taskId, page: this.page }), stopped: true });
  }

  isStopped(taskId: string | undefined): boolean {
    const kept = this.read();
    return kept?.stopped === true && kept.taskId === taskId;
  }

  clear(): void {
    this.kept = null;
    try {
      this.open().removeItem(KEY);
    } catch {
      // Nothing was stored.
    }
  }

  private read(): Kept | null {
    try {
      const kept = JSON.parse(this.open().getItem(KEY) ?? "null") as Kept | null;
      // A write that failed has left an older line behind.
      if (typeof kept?.taskId === "string" && this.kept === null) return kept;
    } catch {
      // The storage is blocked, or another script has written into it.
    }
    return this.kept;
  }

  private write(kept: Kept): void {
    try {
      this.open().setItem(KEY, stringify(kept));
      this.kept = null;
    } catch {
      this.kept = kept;
    }
  }
}

/** What has become of the last page's step, as its journal and the way in which this page was loaded tell. */
export function conclude(kept: Kept, { url, type }: Arrival): Wire {
  const { state, going, sent, isCancelled } = kept;
  if (state !== "dispatched") return kept;
  const isSame = isCancelled === true || (type === "reload" && kept.url === url);
  // A reload has cancelled the navigation. To ask for a page once more does no harm; to send something does.
  if (isSame && (going === "planned" || going === "get")) return { ...kept, state: "undone" };
  if (isSame && going === "post") return { ...kept, state: "begun" };
  if (going !== undefined && !isSame) return { ...kept, state: type === "back_forward" ? "begun" : "arrived" };
  return sent === true ? { ...kept, state: "begun" } : happened(kept);
}

function happened(kept: Kept): Kept {
  return { ...kept, state: "done", result: { success: true, ...(kept.url === undefined ? {} : { url: kept.url }) } };
}
