/** Named timers: setting one again replaces it. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();

  set(name: string, ms: number, action: () => void): void {
    clearTimeout(this.running.get(name));
    this.running.set(name, setTimeout(action, ms));
  }

  clear(): void {
    for (const timer of this.running.values()) clearTimeout(timer);
    this.running.clear();
  }
}
