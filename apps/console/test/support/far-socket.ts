/** The WebSockets that the console opened, as the far end sees them. */
export class FarSocket {
  static opened: FarSocket[] = [];
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: { type: string; request?: Record<string, unknown> }[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    FarSocket.opened.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.onclose?.());
  }

  /** Sends events, each with the next number. */
  say(...events: readonly object[]): void {
    for (const event of events) this.onmessage?.({ data: JSON.stringify(event) });
  }
}
