import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Program } from './program.ts';
import { alone, get, STACK, show, US } from './support.ts';

/** The group that the role `mcp-deploy` is bound to, in every region's namespace, and nothing else. */
const GROUP = 'mcp-deployers';

alone(US);

let proxy: ChildProcess;
let dir: string;
let deployer: Program;

/** The cluster as somebody of the group sees it: kubectl asks in his name, the API server decides. */
beforeAll(async () => {
  proxy = spawn('kubectl', ['proxy', '--port=0', '--as=deployer', `--as-group=${GROUP}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(proxy.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const address = /127\.0\.0\.1:\d+/.exec(String(said))?.[0];
  if (address === undefined) throw new Error(`kubectl proxy said ${said}`);
  dir = mkdtempSync(join(tmpdir(), 'mcp-deployer-'));
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'deployer',
      // Clients take HTTP only where they need not check a certificate.
      clusters: [
        { name: 'cluster', cluster: { server: `http://${address}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'deployer', user: {} }],
      contexts: [{ name: 'deployer', context: { cluster: 'cluster', user: 'deployer' } }],
    }),
  );
  deployer = new Program(process.env.MCP_CLUSTER_CHECKOUT ?? '', STACK.name, { kubeconfig });
});
afterAll(() => {
  proxy.kill();
  rmSync(dir, { recursive: true, force: true });
});

const SERVICE = 'governance';
const VARIABLE = 'MCP_LOG_CHECK_SCHEDULE';
const SCHEDULE = '13 3 * * *';

async function schedule(): Promise<string | undefined> {
  interface Deployment {
    readonly spec: {
      readonly template: {
        readonly spec: {
          readonly containers: readonly { readonly env: readonly { name: string; value?: string }[] }[];
        };
      };
    };
  }
  const { spec } = await get<Deployment>(['deployment', SERVICE, '--namespace', US.namespace]);
  return spec.template.spec.containers[0]?.env.find(({ name }) => name === VARIABLE)?.value;
}

it('who has the role deploy, and no other, applies a change of a service', async () => {
  const before = await schedule();
  const row = `name: '${VARIABLE}',`;
  const undo = deployer.edit('stacks/variables.ts', row, `${row} value: () => '${SCHEDULE}',`);
  const applied = await deployer.up().finally(undo);
  expect(applied.ok, applied.said).toBe(true);
  const after = await schedule();
  const back = await deployer.up();
  expect(back.ok, back.said).toBe(true);
  show('Deployed with the role deploy alone', [{ before, after, back: await schedule() }]);
  expect([before, after, await schedule()]).toEqual([undefined, SCHEDULE, undefined]);
});

it('he cannot give himself more', async () => {
  const undo = deployer.edit(
    'infra/charts/access.ts',
    "resources: ['pods', 'pods/log', 'events'], verbs: READ }",
    "resources: ['pods', 'pods/log', 'events'], verbs: WRITE }",
  );
  const { ok, said } = await deployer.up().finally(undo);
  expect(ok).toBe(false);
  expect(said).toMatch(/forbidden/);
});
