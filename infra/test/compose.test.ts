import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Stack, services, stacks } from '@mcp/stacks';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composeText } from '../programs/compose.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'infra', 'programs', 'compose.ts');

interface Service {
  readonly image?: string;
  readonly build?: { target: string; args: { SERVICE: string } };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { test: readonly string[]; interval: string; timeout: string };
  readonly volumes?: readonly string[];
  readonly deploy?: { resources: { limits: { cpus: string; memory: string } } };
  readonly cap_drop?: readonly string[];
}

const text = readFileSync(join(ROOT, 'docker-compose.dev.yml'), 'utf8');
const file: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(text);
const all = Object.entries(file.services);

function localStack(): Stack {
  const { local } = stacks;
  if (local === undefined) throw new Error('there is no local stack');
  return local;
}

describe('docker-compose.dev.yml', () => {
  it('is what the local stack says (else: npm run compose)', () => {
    expect(text).toBe(composeText(localStack()));
    execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, '--check']);
  });

  it('follows the stack', () => {
    const changed = structuredClone(localStack());
    changed.limits.max_tokens = 1234;
    changed.services = changed.services.filter(({ service }) => service !== 'governance');
    changed.services[0]?.in_process.push('governance');
    const other: typeof file = parse(composeText(changed));
    expect(other.services.core?.environment?.MAX_TOKENS).toBe(`\${MAX_TOKENS:-1234}`);
    expect(Object.keys(other.services)).not.toContain('governance');
    expect(other.services.gateway?.environment?.MCP_IN_PROCESS).toBe('governance');
    expect(other.services.gateway?.volumes).toContain('./apps/governance:/app/apps/governance:ro');
  });

  it('has every service of the stack, and the event bus', () => {
    const placed = localStack().services.map(({ service }) => service);
    expect(Object.keys(file.services).sort()).toEqual([...placed, 'nats'].sort());
  });

  it.each(all)('%s has a health check, bounds and no capability', (_, service) => {
    expect(service.healthcheck?.test[0]).toBe('CMD');
    expect(service.healthcheck?.interval).toMatch(/^\d+s$/);
    expect(service.deploy?.resources.limits.cpus).toMatch(/^[\d.]+$/);
    expect(service.deploy?.resources.limits.memory).toMatch(/^\d+[mg]$/);
    expect(service.cap_drop).toEqual(['ALL']);
  });

  it('publishes 8000 and 9000 to this machine alone, each once', () => {
    const ports = all.flatMap(([, { ports: published = [] }]) => published);
    expect(ports.toSorted()).toEqual(['127.0.0.1:8000:8000', '127.0.0.1:9000:9000']);
  });

  it('waits for the health of what a service needs, and never in a circle', () => {
    const after = new Map(all.map(([name, one]) => [name, Object.keys(one.depends_on ?? {})]));
    for (const [name, one] of all)
      for (const [needed, { condition }] of Object.entries(one.depends_on ?? {})) {
        expect(condition).toBe('service_healthy');
        expect(after.has(needed), `${name} waits for ${needed}`).toBe(true);
      }
    const reach = (name: string, path: readonly string[]): void => {
      expect(path, 'a circle').not.toContain(name);
      for (const next of after.get(name) ?? []) reach(next, [...path, name]);
    };
    for (const name of after.keys()) reach(name, []);
    expect(after.get('task-engine')).toEqual(['nats', ...services['task-engine'].calls]);
  });

  it('mounts the sources of what it builds, read-only, and has every volume it names', () => {
    for (const [name, { build, volumes = [] }] of all) {
      if (build !== undefined) {
        expect(build).toMatchObject({ target: 'dev', args: { SERVICE: name } });
        expect(volumes).toContain(`./apps/${name}:/app/apps/${name}:ro`);
        expect(volumes).toContain('./packages:/app/packages:ro');
      }
      for (const volume of volumes.filter((one) => !one.startsWith('.')))
        expect(Object.keys(file.volumes)).toContain(volume.split(':')[0]);
    }
  });

  it('has no secret, only variables that must be set, each with the command that makes it', () => {
    const variables = all.flatMap(([, { environment = {} }]) => Object.entries(environment));
    const secrets = variables.filter(([name]) =>
      /_SIGNING_KEY$|_JWKS$|SECRET$|PASSWORD$|_HASH$|NATS_URL$/.test(name),
    );
    expect(secrets.length).toBeGreaterThanOrEqual(10);
    for (const [name, value] of secrets)
      expect(value, name).toMatch(
        /\$\{[A-Z_]+:\?Put [A-Z_]+ into \.env, made by: [^}]*(openssl |npx mcp identity)[^}]*\}/,
      );
    expect(variables.find(([name]) => name === 'OPENAI_API_KEY')?.[1]).toBe(`\${OPENAI_API_KEY:-}`);
  });

  it('has images of others by fixed tag', () => {
    for (const [, { image }] of all)
      if (image !== undefined) expect(image).toMatch(/^[a-z.]+\/[a-z/]+:v?\d+\.\d+\.\d+(-alpine)?$/);
  });

  it('says what the command can do', () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', PROGRAM, '--help'],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(0);
    expect(stdout).toContain('npm run compose');
  });
});
