import type { QueueStatus } from '@mcp/contracts';

/** One status per model: what runs and waits for it in all places together. */
export function sumByModel(statuses: readonly QueueStatus[]): QueueStatus[] {
  const sums = new Map<string, QueueStatus>();
  for (const status of statuses) {
    const sum = sums.get(status.model);
    sums.set(
      status.model,
      sum === undefined
        ? status
        : {
            model: status.model,
            running: sum.running + status.running,
            waiting_interactive: sum.waiting_interactive + status.waiting_interactive,
            waiting_batch: sum.waiting_batch + status.waiting_batch,
            capacity: sum.capacity + status.capacity,
          },
    );
  }
  return [...sums.values()];
}
