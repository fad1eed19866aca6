// Tells that the visitor types, and later that he has stopped; never what.

const STILL_MS = 4_000;

export class TypingHint {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (typing: boolean) => unknown) {}

  types(): void {
    if (this.timer === undefined) this.tell(true);
    this.stop();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.tell(false);
    }, STILL_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
