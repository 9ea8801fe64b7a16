import { type GovernanceApi, governanceEndpoints } from '@mcp/contracts';
import { apiApp, ConfigError, defineService, requireAdmin } from '@mcp/service-kit';
import { Cron } from 'croner';
import { manifest } from '../manifest.ts';
import { BusFigures } from './bus-figures.ts';
import { jobs } from './jobs/registry.ts';
import { LogSampler } from './log-sampler.ts';
import { GovernanceRunner } from './runner.ts';

export const definition = defineService({
  manifest,
  async create(kit) {
    const {
      MCP_LOG_CHECK_SCHEDULE,
      MCP_KEY_ROTATION_SCHEDULE,
      MCP_RETENTION_SCHEDULE,
      MCP_AUDIT_BUNDLE_SCHEDULE,
    } = kit.config;
    const given = {
      MCP_LOG_CHECK_SCHEDULE,
      MCP_KEY_ROTATION_SCHEDULE,
      MCP_RETENTION_SCHEDULE,
      MCP_AUDIT_BUNDLE_SCHEDULE,
    };
    for (const [name, schedule] of Object.entries(given))
      if (!isCron(schedule)) throw new ConfigError(`${name} must be a cron expression such as 0 3 * * *`);
    const schedules = {
      'log-check': MCP_LOG_CHECK_SCHEDULE,
      'key-rotation': MCP_KEY_ROTATION_SCHEDULE,
      retention: MCP_RETENTION_SCHEDULE,
      'audit-bundle': MCP_AUDIT_BUNDLE_SCHEDULE,
    };
    const runner = new GovernanceRunner({ kit, jobs, schedules });
    await runner.start();
    const api: GovernanceApi = {
      jobs: () => runner.jobs(),
      run: async (name, call) => {
        requireAdmin(call, 'Governance jobs are run by administrators.');
        return runner.run(name, call.traceparent);
      },
    };
    const app = apiApp({ kit, endpoints: governanceEndpoints, api, checks: {} });
    const figures = new BusFigures({ kit, limit_bytes: kit.config.MCP_BUS_STORAGE_BYTES });
    const sampler = new LogSampler({ kit, per_minute: kit.config.MCP_LOG_SAMPLES_PER_MINUTE });
    const close = async () => {
      await sampler.close();
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
