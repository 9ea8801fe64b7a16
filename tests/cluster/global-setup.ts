import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EU, get, kubectl, outcome, STACK, US, until } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MANAGER = ['--server-side', '--force-conflicts', '--field-manager', 'mcp-cluster-tests'];
/** Weights are fetched at the first start. */
const READY_S = 240;
const RESIDENCY_LABELS = ['eu', 'us'].map((one) => `residency.mcp.platform/${one}=true`);

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Deploys the stack before all tests, and takes it away after them: `npm run synth` and kubectl, as a user would. */
export default async function setup(): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-cluster-'));
  execFileSync(process.execPath, [join(ROOT, 'infra', 'synth.ts'), STACK.name, '--out', dir], {
    stdio: 'inherit',
  });
  process.env.MCP_CLUSTER_OBJECTS = dir;
  await assertCluster();
  await kubectl(['label', 'nodes', '--all', '--overwrite', ...RESIDENCY_LABELS]);
  const began = Date.now();
  const files = readdirSync(dir).filter((file) => file.endsWith('.yaml'));
  await apply(
    dir,
    files.filter((file) => /constrainttemplate|-namespace-|priority/.test(file)),
  );
  await secrets(dir);
  await until(
    'the constraint templates are established',
    60,
    async () =>
      (
        await outcome(
          apply(
            dir,
            files.filter((file) => file.includes('cluster-policies')),
          ),
        )
      ).ok,
  );
  await apply(dir, files);
  say(`applied ${files.length} objects after ${seconds(began)}`);
  for (const { namespace } of [EU, US]) await ready(namespace);
  say(`every pod is ready after ${seconds(began)}`);
  return () => destroy(dir, files);
}

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

async function assertCluster(): Promise<void> {
  const nodes = await outcome(kubectl(['get', 'nodes']));
  if (!nodes.ok) throw new Error(`No cluster answers (KUBECONFIG): ${nodes.text}`);
  for (const crd of [
    'httproutes.gateway.networking.k8s.io',
    'scaledobjects.keda.sh',
    'constrainttemplates.templates.gatekeeper.sh',
  ])
    if (!(await outcome(kubectl(['get', 'crd', crd]))).ok)
      throw new Error(
        `The cluster has no ${crd}. docs/local-clusters.md says how to install what the tests need.`,
      );
}

async function apply(dir: string, files: readonly string[]): Promise<string> {
  const text = files.map((file) => readFileSync(join(dir, file), 'utf8')).join('\n---\n');
  return kubectl(['apply', ...MANAGER, '--filename', '-'], text);
}

/** Makes the Secrets that secrets.txt names: one random value per key, the same in both regions. */
async function secrets(dir: string): Promise<void> {
  const values = new Map<string, string>();
  const certificates = tlsFor(dir);
  const admin = `mcp_${randomBytes(32).toString('base64url')}`;
  const secretValue = (secret: string, key: string): string => {
    if (secret === 'mcp-admin-key')
      return key === 'key' ? admin : createHash('sha256').update(admin).digest('hex');
    if (secret === 'mcp-nats-tls') return certificates[key] ?? '';
    const known =
      values.get(`${secret}/${key}`) ?? randomBytes(32).toString('base64url').replaceAll('-', 'x');
    values.set(`${secret}/${key}`, known);
    return known;
  };
  const lines = readFileSync(join(dir, 'secrets.txt'), 'utf8').trim().split('\n');
  const objects = lines.map((line) => {
    const [, namespace = '', name = ''] = /--namespace (\S+) create secret generic (\S+)/.exec(line) ?? [];
    const keys = [...line.matchAll(/--from-literal=([\w.]+)=/g)].map((match) => match[1] ?? '');
    const stringData = Object.fromEntries(keys.map((key) => [key, secretValue(name, key)]));
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData };
  });
  await kubectl(
    ['apply', ...MANAGER, '--filename', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  );
}

/** A CA and one certificate for the event buses of both regions. */
function tlsFor(dir: string): Record<string, string> {
  const names = [EU, US].map(({ namespace }) => `DNS:nats-headless.${namespace}.svc.cluster.local`).join(',');
  const path = (file: string) => join(dir, file);
  const openssl = (...args: string[]) => {
    const result = spawnSync('openssl', args, { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${result.stderr}`);
  };
  const fresh = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  openssl(
    'req',
    '-x509',
    ...fresh,
    '-subj',
    '/CN=mcp-test-ca',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
  );
  openssl(
    'req',
    ...fresh,
    '-subj',
    '/CN=nats',
    '-keyout',
    path('tls.key'),
    '-out',
    path('tls.csr'),
    '-addext',
    `subjectAltName=${names}`,
  );
  openssl(
    'x509',
    '-req',
    '-in',
    path('tls.csr'),
    '-CA',
    path('ca.crt'),
    '-CAkey',
    path('ca.key'),
    '-days',
    '2',
    '-copy_extensions',
    'copy',
    '-out',
    path('tls.crt'),
  );
  return Object.fromEntries(
    ['ca.crt', 'tls.crt', 'tls.key'].map((file) => [file, readFileSync(path(file), 'utf8')]),
  );
}

async function ready(namespace: string): Promise<void> {
  for (const kind of ['statefulset', 'deployment']) {
    const { items } = await get<{ items: { metadata: { name: string } }[] }>([
      kind,
      '--namespace',
      namespace,
    ]);
    for (const { metadata } of items)
      await until(`${kind} ${metadata.name} in ${namespace} is ready`, READY_S, async () => {
        const { spec, status } = await get<{
          spec: { replicas: number };
          status: { readyReplicas?: number; updatedReplicas?: number };
        }>([kind, metadata.name, '--namespace', namespace]);
        return (status.readyReplicas ?? 0) >= spec.replicas && (status.updatedReplicas ?? 0) >= spec.replicas;
      });
  }
}

/** Takes everything away again; what is left is an error. */
async function destroy(dir: string, files: readonly string[]): Promise<void> {
  const began = Date.now();
  const last = files.filter((file) => /constrainttemplate/.test(file));
  const text = (list: readonly string[]) =>
    list.map((file) => readFileSync(join(dir, file), 'utf8')).join('\n---\n');
  const gone = ['delete', '--ignore-not-found', '--wait=true', '--timeout=170s', '--filename', '-'];
  await kubectl(gone, text(files.filter((file) => !last.includes(file))));
  await kubectl(gone, text(last));
  await kubectl(['label', 'nodes', '--all', ...RESIDENCY_LABELS.map((label) => label.replace('=true', '-'))]);
  const left = await outcome(
    kubectl([
      'get',
      'namespaces,priorityclasses,constrainttemplates',
      '--selector',
      'app.kubernetes.io/part-of=mcp,app.kubernetes.io/instance in (twin-twin-eu,twin-twin-us)',
      '--output',
      'name',
    ]),
  );
  rmSync(dir, { recursive: true, force: true });
  if (left.text.trim() !== '') throw new Error(`left behind: ${left.text}`);
  say(`everything is gone after ${seconds(began)}`);
}
