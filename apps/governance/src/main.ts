import { parseArgs } from 'node:util';
import { createKit, runMain } from '@mcp/service-kit';
import { definition } from './definition.ts';
import { jobs } from './jobs/registry.ts';
import { GovernanceRunner } from './runner.ts';

/** `--once <job>` runs one job and exits: 0 when it found nothing wrong, 1 otherwise. For a Kubernetes CronJob. */
const { values } = parseArgs({ options: { once: { type: 'string' } } });
if (values.once === undefined) await runMain(definition);
else {
  const kit = await createKit({
    manifest: definition.manifest,
    env: process.env,
    local: new Map(),
    draining: () => false,
  });
  const run = await new GovernanceRunner({ kit, jobs, schedules: {} }).run(values.once);
  process.stdout.write(`${JSON.stringify(run)}\n`);
  await kit.close();
  process.exitCode = run.ok === true ? 0 : 1;
}
