import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Region, type Stack, stacks } from '@mcp/stacks';
import { markNodes } from './nodes.ts';
import { apply } from './objects.ts';
import { Program } from './program.ts';
import { get, kubectl, makeNamespace, STACK, until } from './support.ts';
import { trialOf } from './trial-stack.ts';
import { volumesFor } from './volumes.ts';

const DATABASE_NAMESPACE = 'mcp-prod-database';
const POSTGRES = 'postgres';
const POSTGRES_PORT = 5432;
const POSTGRES_IMAGE = 'docker.io/mcp/postgres:15';
const PROD = stacks.prod as Stack;
/** Those that the node has for the other tests. */
const { images: IMAGES } = STACK.kubernetes;
export const REGIONS: readonly Region[] = trialOf(PROD, IMAGES).regions;
const GONE = ['delete', '--ignore-not-found', '--wait=true', '--timeout=170s'];

/** The stack prod as a test deploys it: by Pulumi, from a checkout in which prod is {@link trialOf}. */
export class Trial {
  readonly #password = randomBytes(24).toString('hex');
  #program: Program | undefined;
  #unmark = async () => {};
  #unmount = async () => {};

  /** What it finds there: a PostgreSQL, and volumes. */
  async prepare(): Promise<void> {
    this.#unmark = await markNodes();
    await makeNamespace(DATABASE_NAMESPACE);
    this.#program = this.#checkout();
    this.#unmount = await volumesFor(trialOf(PROD, IMAGES), this.#program.objects());
    await applyAll(databaseObjects(this.#password));
    const wait = ['wait', 'pod', POSTGRES, '--for=condition=Ready', '--timeout=120s'];
    await kubectl(['--namespace', DATABASE_NAMESPACE, ...wait]);
  }

  async up(): Promise<void> {
    const { ok, said } = await this.#deployed().up();
    if (!ok) throw new Error(`up: ${said}`);
    await applyAll(REGIONS.map(edgeSecret));
  }

  /** Changes a file of the checkout. */
  edit(file: string, from: string, to: string): void {
    this.#deployed().edit(file, from, to);
  }

  #deployed(): Program {
    if (this.#program === undefined) throw new Error('prepare() comes first');
    return this.#program;
  }

  #checkout(): Program {
    const host = `${POSTGRES}.${DATABASE_NAMESPACE}.svc.cluster.local:${POSTGRES_PORT}`;
    const program = Program.checkout('prod', {
      databaseUrl: `postgres://mcp:${this.#password}@${host}/postgres`,
      provSecret: randomBytes(32).toString('hex'),
    });
    program.edit(
      'stacks/index.ts',
      "import { prod } from './prod.ts';",
      `import { trialOf } from '../tests/cluster/trial-stack.ts';\nimport { prod as shipped } from './prod.ts';`,
    );
    program.edit(
      'stacks/index.ts',
      '/** Every stack, by name.',
      'const prod = trialOf(shipped, local.kubernetes.images);\n/** Every stack, by name.',
    );
    return program;
  }

  async destroy(): Promise<void> {
    const gone = await this.#program?.destroy();
    await this.#unmark();
    await this.#unmount();
    await kubectl([...GONE, 'namespace', DATABASE_NAMESPACE]);
    if (gone?.ok === false) throw new Error(`destroy: ${gone.said}`);
    this.#program?.remove();
  }
}

const hostOf = (region: string) => `${region}.${PROD.kubernetes.edge.host}`;

/** Envoy takes no Ed25519, in which the platform's own certificates are. */
function edgeSecret({ name, namespace }: Region): object {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-edge-'));
  const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
  const names = ['-subj', `/CN=${hostOf(name)}`, '-addext', `subjectAltName=DNS:${hostOf(name)}`];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names];
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const stringData = { 'tls.crt': readFileSync(cert, 'utf8'), 'tls.key': readFileSync(key, 'utf8') };
  rmSync(dir, { recursive: true });
  const metadata = { name: PROD.kubernetes.edge.tls_secret, namespace };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData };
}

async function applyAll(objects: readonly object[]): Promise<void> {
  const { refused } = await apply(objects, { manager: 'mcp-cluster-tests' });
  if (refused.length > 0) throw new Error(refused.join('\n'));
}

function databaseObjects(password: string): object[] {
  const metadata = { name: POSTGRES, namespace: DATABASE_NAMESPACE, labels: { app: POSTGRES } };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: POSTGRES }, ports: [{ port: POSTGRES_PORT }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        securityContext: { runAsUser: 10001, fsGroup: 10001 },
        containers: [
          {
            name: POSTGRES,
            image: POSTGRES_IMAGE,
            imagePullPolicy: 'IfNotPresent',
            env: [
              { name: 'POSTGRES_PASSWORD', valueFrom: { secretKeyRef: { name: POSTGRES, key: 'password' } } },
            ],
            readinessProbe: { exec: { command: ['pg_isready', '--host', '127.0.0.1'] }, periodSeconds: 1 },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
  ];
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/** Asks a region through its Gateway, by the name that its certificate carries. */
export class EdgeClient {
  readonly #host: string;
  readonly #address: string;
  readonly #key: string;

  private constructor(host: string, address: string, key: string) {
    this.#host = host;
    this.#address = address;
    this.#key = key;
  }

  static async of({ name, namespace }: Region): Promise<EdgeClient> {
    const selector = `gateway.envoyproxy.io/owning-gateway-namespace=${namespace}`;
    interface Services {
      readonly items: readonly { readonly spec: { readonly clusterIP: string } }[];
    }
    let address: string | undefined;
    await until(`the Gateway of ${namespace} has an address`, 60, async () => {
      const { items } = await get<Services>(['services', '--all-namespaces', '--selector', selector]);
      address = items[0]?.spec.clusterIP;
      return address !== undefined;
    });
    const { data } = await get<{ data: { key: string } }>([
      'secret',
      'mcp-admin-key',
      '--namespace',
      namespace,
    ]);
    const client = new EdgeClient(
      hostOf(name),
      address ?? '',
      Buffer.from(data.key, 'base64').toString('utf8'),
    );
    await until(`the edge of ${namespace} answers`, 120, () =>
      client.ask('GET', '/healthz').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    return client;
  }

  ask(
    method: 'GET' | 'POST',
    path: string,
    options: { body?: object; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    return new Promise((done, fail) => {
      const call = request(
        {
          host: this.#address,
          port: 443,
          servername: this.#host,
          method,
          path,
          agent: false,
          // Nobody vouches for the certificate of a test.
          rejectUnauthorized: false,
          timeout: 60_000,
          headers: {
            host: this.#host,
            authorization: `Bearer ${this.#key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...options.headers,
          },
        },
        (response) => collect(response).then(done, fail),
      );
      call.once('timeout', () => call.destroy(new Error(`${method} ${path}: no answer within a minute`)));
      call.once('error', fail);
      call.end(body);
    });
  }
}

async function collect(response: IncomingMessage): Promise<Answer> {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return { status: response.statusCode ?? 0, json: text === '' ? undefined : JSON.parse(text) };
}
