/** Named timers. Setting a name again replaces its timer. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();

  set(name: string, ms: number, action: () => void): void {
    clearTimeout(this.running.get(name));
    const run = (): void => {
      this.running.delete(name);
      action();
    };
    this.running.set(name, setTimeout(run, ms));
  }

  has(name: string): boolean {
    return this.running.has(name);
  }

  clear(): void {
    for (const timer of this.running.values()) clearTimeout(timer);
    this.running.clear();
  }
}
