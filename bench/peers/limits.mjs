// A rate limit in one process (GCRA): one number for each busy key.
export class RateLimit {
  #fullAt = new Map();
  #cost;
  #sweepAt = 0;

  constructor(perMinute) {
    this.#cost = 60_000 / perMinute;
  }

  spend(key) {
    const now = performance.now();
    if (now >= this.#sweepAt) this.#forget(now);
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now) + this.#cost;
    if (fullAt - now > 60_000) return false;
    this.#fullAt.set(key, fullAt);
    return true;
  }

  #forget(now) {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
    this.#sweepAt = now + 60_000;
  }
}
