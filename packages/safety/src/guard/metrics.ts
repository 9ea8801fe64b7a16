import type { SafetyVerdict } from '@mcp/contracts';

interface Counters {
  inc(name: 'safety_actions_total', labels: { status: string }): void;
  inc(name: 'safety_findings_total', labels: { kind: string; phase: string; status: string }): void;
}

/** Counts what was found in one request or turn, by whoever has the metrics of `manifest.ts`. */
export function countSafety(metrics: Counters, verdict: SafetyVerdict | undefined): void {
  if (verdict === undefined) return;
  metrics.inc('safety_actions_total', { status: verdict.action });
  for (const { category, tier, severity } of verdict.findings)
    metrics.inc('safety_findings_total', { kind: category, phase: tier, status: severity });
}
