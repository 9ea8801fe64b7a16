import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError, type SpanRecord } from '@mcp/contracts';
import { openTraceStore, readTrace } from '@mcp/service-kit';
import type { GatewayKit } from '../kit.ts';

const RETRY_MS = 1000;
/** Traces that are read at once: each may be some megabytes. */
const MAX_READERS = 4;

type Kit = Pick<GatewayKit, 'bus' | 'common' | 'config' | 'log' | 'tracer'>;

/** The trace store of the region, which every service and replica writes to. */
export class Traces {
  readonly #kit: Kit;
  readonly #closing = new AbortController();
  #running = 0;

  constructor(kit: Kit) {
    this.#kit = kit;
    if (kit.common.MCP_TRACE_STORE) void this.#open();
  }

  /** All spans of a trace by start; none when it is not known. Throws `not_found` where nothing is kept, `rate_limited`, `unavailable`. */
  async read(trace_id: string): Promise<SpanRecord[]> {
    if (!this.#kit.common.MCP_TRACE_STORE)
      throw new PlatformError(
        'not_found',
        'This platform keeps no traces. Set MCP_TRACE_STORE=true, or look in the tracing backend it exports to.',
      );
    if (this.#running >= MAX_READERS)
      throw new PlatformError(
        'rate_limited',
        `${MAX_READERS} traces are being read already. Try again in a second.`,
        { retry_after_ms: 1000 },
      );
    this.#running++;
    try {
      await this.#kit.tracer.flush();
      return await readTrace(await this.#kit.bus(), trace_id);
    } finally {
      this.#running--;
    }
  }

  close(): void {
    this.#closing.abort();
  }

  /** Makes the store, as soon as the bus is there: the gateway does not wait for it. */
  async #open(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await openTraceStore(await this.#kit.bus(), this.#kit.config.MCP_TRACE_STORE_BYTES);
        return;
      } catch (err) {
        if (signal.aborted) return;
        this.#kit.log.warn({ err }, 'the trace store cannot be opened yet, trying again');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
