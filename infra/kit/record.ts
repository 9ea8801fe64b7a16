import * as pulumi from '@pulumi/pulumi';

/** A resource as the program registered it. Secrets are replaced by {@link MASKED}. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface Recording {
  readonly resources: readonly RecordedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

const MASKED = '[secret]';
const PROJECT = 'mcp';
/** How Pulumi marks a secret on the wire (`pulumi/sdk`, resource.proto). */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

/**
 * Runs the unmodified program of `infra/index.ts` without any engine or cluster and records what it registers.
 * Once per process: the program is a module. Throws what the program throws.
 */
export async function recordProgram(
  stack: string,
  config: Readonly<Record<string, string>> = {},
): Promise<Recording> {
  const { KUBECONFIG } = process.env;
  process.env.MCP_PREFLIGHT = 'off';
  // The provider would take it for a configuration of its own.
  delete process.env.KUBECONFIG;
  const resources: RecordedResource[] = [];
  const keys = Object.keys(config);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(keys.map((key) => [`${PROJECT}:${key}`, config[key] ?? ''])),
    keys.map((key) => `${PROJECT}:${key}`),
  );
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        resources.push({ type, name, inputs: masked(inputs) as Record<string, unknown> });
        return {
          id: name,
          state: { ...(inputs as object), ...madeUp(type, name, inputs as Record<string, unknown>) },
        };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    PROJECT,
    stack,
    false,
  );
  const program = (await import('../index.ts')) as Record<string, unknown>;
  await settled();
  if (KUBECONFIG !== undefined) process.env.KUBECONFIG = KUBECONFIG;
  return { resources, outputs: masked(await resolved(program)) as Record<string, unknown> };
}

/** What a provider would answer: values that only it knows. */
export function madeUp(
  type: string,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (type.endsWith(':RandomPassword')) return { result: `made-up-${name}` };
  if (type.endsWith(':Image'))
    return { ref: `${String((inputs.tags as unknown[])[0])}@sha256:${'0'.repeat(64)}` };
  return {};
}

/** Registrations follow each other: the runtime is idle once none is open any more. */
async function settled(): Promise<void> {
  const runtime = pulumi.runtime as typeof pulumi.runtime & { waitForRPCs(): Promise<void> };
  await runtime.waitForRPCs();
}

function resolved(value: unknown): Promise<unknown> {
  return new Promise((done) => {
    pulumi.output({ ...(value as object) }).apply((plain) => done(plain));
  });
}

/** A secret keeps its shape: which keys a Secret has is not secret. */
function hidden(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return MASKED;
  return Object.fromEntries(Object.keys(value).map((key) => [key, MASKED]));
}

/** What was registered with its secrets replaced; a Secret's keys stay. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== 'object') return value;
  const record = value as Record<string, unknown>;
  if (record[SIGNATURE] === SECRET) return hidden(record.value);
  return Object.fromEntries(Object.entries(record).map(([key, one]) => [key, masked(one)]));
}
