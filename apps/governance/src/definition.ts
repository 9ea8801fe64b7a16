import { type GovernanceApi, governanceEndpoints, PlatformError } from '@mcp/contracts';
import { apiApp, defineService } from '@mcp/service-kit';
import { Cron } from 'croner';
import { z } from 'zod';
import { manifest } from '../manifest.ts';
import { BusFigures } from './bus-figures.ts';
import { jobs } from './jobs/registry.ts';
import { GovernanceRunner } from './runner.ts';

export const definition = defineService({
  manifest,
  config: z.object({
    /** When the log check runs: a cron expression in UTC. */
    MCP_LOG_CHECK_SCHEDULE: z
      .string()
      .default('0 3 * * *')
      .refine(isCron, 'must be a cron expression such as 0 3 * * *'),
    /** What one server of the event bus may store. */
    MCP_BUS_STORAGE_BYTES: z.coerce.number().int().positive().optional(),
  }),
  async create(kit) {
    const runner = new GovernanceRunner({
      kit,
      jobs,
      schedules: { 'log-check': kit.config.MCP_LOG_CHECK_SCHEDULE },
    });
    await runner.start();
    const api: GovernanceApi = {
      jobs: () => runner.jobs(),
      run: async (name, { principal, traceparent }) => {
        if (!principal.scopes.includes('admin'))
          throw new PlatformError(
            'forbidden',
            'Governance jobs are run by administrators. Use a key with the admin scope.',
          );
        return runner.run(name, traceparent);
      },
    };
    const app = apiApp({ kit, endpoints: governanceEndpoints, api, checks: {} });
    const figures = new BusFigures({ kit, limit_bytes: kit.config.MCP_BUS_STORAGE_BYTES });
    const close = async () => {
      figures.close();
      await runner.close();
    };
    return { app, api, close };
  },
});

function isCron(expression: string): boolean {
  try {
    new Cron(expression, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}
