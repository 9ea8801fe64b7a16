import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { type Change, Program } from './program.ts';
import { alone, get, inPod, kubectl, STACK, show, US, until } from './support.ts';

/** What is deployed, by the same program and state: edits are made in its checkout, and taken back. */
const program = new Program(process.env.MCP_CLUSTER_CHECKOUT ?? '', STACK.name);
alone(US);

const shown = (changes: readonly Change[]) =>
  changes.map(({ op, type, name }) => `${op} ${type.split(':').at(-1)} ${name}`).sort();
const both = (text: string) => STACK.regions.map(({ name }) => text.replace('REGION', name)).sort();

async function nothingToDo(): Promise<void> {
  const { ok, changes, said } = await program.preview();
  expect(ok, said).toBe(true);
  expect(changes).toEqual([]);
}

it('a second preview shows nothing', nothingToDo);

interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly changes: readonly string[];
  /** What every changed path looks like. */
  readonly path: RegExp;
}

const EDITS: readonly Edit[] = [
  {
    file: 'stacks/local.ts',
    from: 'requests_per_minute: 6000',
    to: 'requests_per_minute: 6001',
    changes: [
      ...both('update Deployment REGION-gateway-deployment'),
      ...both('update Deployment REGION-gateway-canary-deployment-canary'),
    ].sort(),
    path: /^spec\.template\.spec\.containers\[0\]\.env\[\d+\]\.value$/,
  },
  {
    file: 'stacks/local.ts',
    from: 'weight: 10',
    to: 'weight: 11',
    changes: ['', '-socket'].flatMap((route) => both(`update HTTPRoute REGION-edge-route${route}`)).sort(),
    path: /^spec\.rules\[2\]\.backendRefs\[\d\]\.weight$/,
  },
  {
    file: 'stacks/multi-region.ts',
    from: '{ ...local.kubernetes.canary, ',
    to: "{ ...local.kubernetes.canary, image: '0.1.0-next', ",
    changes: both('update Deployment REGION-gateway-canary-deployment-canary'),
    path: /^spec\.template\.spec\.containers\[0\]\.image$/,
  },
  {
    file: 'apps/core/manifest.ts',
    from: ' > 0.05',
    to: ' > 0.06',
    changes: both('update ConfigMap REGION-observability-rules'),
    path: /^data/,
  },
  {
    file: 'infra/charts/namespace/access.ts',
    from: "resources: ['pods', 'pods/log', 'events'], verbs: READ }",
    to: "resources: ['pods', 'pods/log', 'events'], verbs: ['get'] }",
    changes: both('update Role REGION-access-role-mcp-deploy'),
    path: /^rules\[\d+\]\.verbs/,
  },
];

it.each(EDITS)('an edit of $file ($to) shows exactly itself', async ({ file, from, to, changes, path }) => {
  const undo = program.edit(file, from, to);
  try {
    const preview = await program.preview();
    expect(preview.ok, preview.said).toBe(true);
    expect(shown(preview.changes)).toEqual(changes);
    for (const one of preview.changes.flatMap(({ paths }) => paths)) expect(one).toMatch(path);
  } finally {
    undo();
  }
});

it('what somebody changes by hand is found, and applied away; a ConfigMap is changed in place', async () => {
  const rules = ['configmap', 'mcp-alert-rules', '--namespace', US.namespace];
  const uid = async () => (await get<{ metadata: { uid: string } }>(rules)).metadata.uid;
  const before = await uid();
  const patch = JSON.stringify({ spec: { revisionHistoryLimit: 1 } });
  await kubectl(['--namespace', US.namespace, 'patch', 'deployment', 'governance', '--patch', patch]);
  const undo = program.edit('apps/core/manifest.ts', ' > 0.05', ' > 0.06');
  try {
    const preview = await program.preview();
    expect(shown(preview.changes)).toEqual(
      [
        ...both('update ConfigMap REGION-observability-rules'),
        `update Deployment ${US.name}-governance-deployment`,
      ].sort(),
    );
    expect((await program.up()).said).not.toMatch(/error/i);
    await nothingToDo();
    expect(await uid()).toBe(before);
  } finally {
    undo();
  }
});

const SERVICE = 'governance';
const VARIABLE = 'MCP_LOG_CHECK_SCHEDULE';
const SCHEDULE = '11 3 * * *';

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly phase: string;
      readonly conditions?: readonly { type: string; status: string }[];
    };
  }[];
}

const podsOf = () =>
  get<Pods>(['pods', '--namespace', US.namespace, '--selector', `app.kubernetes.io/name=${SERVICE}`]);
const readyOf = ({ items }: Pods) =>
  items.filter(({ status }) =>
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );

/** What the one pod that is ready has in its environment, once it is the only one. */
async function schedule(): Promise<string> {
  let name = '';
  await until(`${SERVICE} has one pod, and it is ready`, 180, async () => {
    const pods = await podsOf();
    const ready = readyOf(pods);
    name = ready[0]?.metadata.name ?? '';
    return ready.length === 1 && pods.items.length === 1;
  });
  return (await inPod(US.namespace, name, `console.log(process.env.${VARIABLE} ?? 'none')`)).trim();
}

/** The revision of its Deployment that is deployed; the tests before this one have made others. */
async function revision(): Promise<string> {
  const { metadata } = await get<{ metadata: { annotations: Record<string, string> } }>([
    'deployment',
    SERVICE,
    '--namespace',
    US.namespace,
  ]);
  return metadata.annotations['deployment.kubernetes.io/revision'] ?? '';
}

it('an update that fails, and a rollback, leave pods with the configuration that is theirs', async () => {
  const rows: Record<string, unknown>[] = [];
  const note = async (what: string) => rows.push({ what, [VARIABLE]: await schedule() });
  await note('as deployed');
  const deployed = await revision();
  const undo = program.give(SERVICE, VARIABLE, SCHEDULE);
  const memory = (request: string, limit: string) => `memory_request: '${request}', memory_limit: '${limit}'`;
  const { memory_request, memory_limit } = services[SERVICE].size;
  // No node has so much: the new pod never starts.
  const fit = program.edit(
    `apps/${SERVICE}/manifest.ts`,
    memory(memory_request, memory_limit),
    memory('9000Gi', '9000Gi'),
  );
  try {
    const update = program.begin();
    await until('the new pod cannot be placed', 120, async () =>
      (await podsOf()).items.some(({ status }) => status.phase === 'Pending'),
    );
    expect((await update.stop()).ok).toBe(false);
    const [old] = readyOf(await podsOf());
    await kubectl(['--namespace', US.namespace, 'delete', 'pod', old?.metadata.name ?? '', '--wait=true']);
    await until(
      'the old pod is replaced by one like it',
      180,
      async () => readyOf(await podsOf()).length === 1,
    );
    fit();
    const fixed = await program.up();
    expect(fixed.ok, fixed.said).toBe(true);
    await note('updated');
    await kubectl([
      '--namespace',
      US.namespace,
      'rollout',
      'undo',
      `deployment/${SERVICE}`,
      `--to-revision=${deployed}`,
    ]);
    await note('rolled back');
  } finally {
    fit();
    undo();
  }
  const last = await program.up();
  expect(last.ok, last.said).toBe(true);
  await note('as deployed');
  await nothingToDo();
  show('A failed update and a rollback', rows);
  expect(rows.map((row) => row[VARIABLE])).toEqual(['none', SCHEDULE, 'none', 'none']);
});
