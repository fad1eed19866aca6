// Reads the messages that events have not brought.

import type { Conversation } from "./conversation.js";
import type { ChatHost } from "./host.js";
import type { Http } from "./http.js";

export class HistoryReader {
  private reading: Promise<void> | null = null;
  private wanted = 0;

  /** `failed` is called when the server did not answer. */
  constructor(
    private readonly http: Http,
    private readonly conversation: Conversation,
    private readonly host: ChatHost,
    private readonly failed: () => void,
  ) {}

  /** Reads the missing messages up to `seq`. Concurrent calls share one run. */
  read(seq: number): Promise<void> {
    this.wanted = Math.max(this.wanted, seq);
    this.reading ??= this.readPages().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async readPages(): Promise<void> {
    const { sessionId, transcript } = this.conversation;
    try {
      for (let more = true; more && sessionId !== null; ) {
        const page = await this.http.messages(sessionId, transcript.seq);
        if (this.conversation.sessionId !== sessionId || this.host.checkStorage()) return;
        this.host.messagesAdded(transcript.merge(page.messages));
        more = page.messages.length > 0 && (page.more || transcript.seq < this.wanted);
      }
      this.wanted = 0;
    } catch {
      this.failed();
    }
  }
}
