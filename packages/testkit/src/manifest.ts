import type { ServiceManifest, ServiceName } from '@mcp/contracts';
import type { z } from 'zod';

/** The least that a service says of itself. */
export function bareManifest(
  name: ServiceName,
): Omit<z.input<typeof ServiceManifest>, 'settings' | 'metrics' | 'flags'> {
  return {
    name,
    summary: 'a service for tests',
    port: 9999,
    entry: 'x',
    calls: [],
    speaks_for: 'anyone',
    needs: [],
    bus: { streams: {}, buckets: [] },
    size: { cpu_request: '1', cpu_limit: '1', memory_request: '64Mi', memory_limit: '64Mi' },
    scaling: { on: 'fixed', replicas: 1 },
    slo: { p95_ms: 100, error_ratio: 0.01 },
    drain_s: 5,
  };
}
