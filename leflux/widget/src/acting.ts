// Runs the server's plans with the part of the widget that acts on the page.

import type { Chat } from "./chat.js";
import type { More } from "./more-part.js";
import { insist, type Load } from "./part-loader.js";
import type { Plan } from "./protocol.js";
import type { TaskExecutor } from "./task-executor.js";

export class Acting {
  private executor: TaskExecutor | null = null;
  private plan: Plan | null = null;

  constructor(
    private readonly chat: Chat,
    private readonly notify: ConstructorParameters<typeof TaskExecutor>[3],
    private readonly load: Load<More>,
  ) {}

  /** A plan replaces the one before, also one that still waits for the part. */
  async start(plan: Plan): Promise<void> {
    this.plan = plan;
    const isWanted = (): boolean => this.plan === plan;
    const part = await insist(this.load, isWanted);
    const inspector = part && (await insist(() => this.chat.page.load(), isWanted));
    if (inspector === null || !isWanted()) return;
    this.executor ??= new part!.TaskExecutor(document, this.chat, inspector, this.notify);
    await this.executor.start(plan);
  }

  stop(): void {
    this.plan = null;
    this.executor?.stop();
  }
}
