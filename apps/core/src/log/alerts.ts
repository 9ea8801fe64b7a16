import type { TamperAlert } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';
import type { Finding, LogChecks } from '../store/log-checks.ts';

const STREAM = 'MCP_ALERTS';
const SUBJECT = 'mcp.alerts.tamper';
const MAX_BYTES = 8 * 1024 * 1024;

interface AlertDeps {
  readonly kit: Pick<CoreKit, 'bus' | 'log' | 'metrics'>;
  readonly checks: LogChecks;
}

/**
 * Tells the event bus of each finding once: those that could not be told are told by the next call, in whichever
 * replica that is. Who was away reads the stream.
 */
export class TamperAlerts {
  readonly #deps: AlertDeps;
  #bus: Bus | undefined;

  constructor(deps: AlertDeps) {
    this.#deps = deps;
    // Its room on the bus is taken at the start, or by the first alert where the bus is away.
    void this.#open().catch(() => undefined);
  }

  /** Does not throw: the finding is in the store, and an alert of the metrics says it too. */
  async send(): Promise<void> {
    const { kit, checks } = this.#deps;
    const findings = await checks.unalerted();
    if (findings.length === 0) return;
    try {
      const bus = await this.#open();
      for (const finding of findings) {
        const alert = alertOf(finding);
        const msgID = `${alert.finding} ${finding.first_seen}`;
        await bus.jetstream.publish(SUBJECT, JSON.stringify(alert), { msgID });
        await checks.alerted(finding);
        kit.metrics.inc('provenance_tamper_alerts_total', {});
      }
    } catch (err) {
      kit.log.warn({ err }, 'the event bus cannot be told of a log that does not verify; it is tried again');
    }
  }

  async #open(): Promise<Bus> {
    if (this.#bus !== undefined) return this.#bus;
    const bus = await this.#deps.kit.bus();
    await bus.stream({
      name: STREAM,
      subjects: [SUBJECT],
      storage: 'file',
      discard: 'old',
      max_bytes: MAX_BYTES,
    });
    this.#bus = bus;
    return bus;
  }
}

function alertOf({ verdict, about, last_seen }: Finding): TamperAlert {
  return {
    type: 'mcp/tamper-alert@v1',
    at: last_seen,
    finding: verdict.id,
    conversation_id: about === '' ? null : about,
    broken_at: verdict.broken_at,
    reason: verdict.reason ?? 'It does not verify.',
  };
}
