import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { jsonOf, type ServiceName } from '@mcp/contracts';
import type { KnownDependency } from '@mcp/dependencies';
import { type ServicePlacement, type Stack, services, servicesOf } from '@mcp/stacks';
import { CliError, EXIT, messageOf } from '../errors.ts';
import type { DataPaths } from '../paths.ts';
import { bytes, type Ui } from '../ui.ts';
import { localDependencies, portsOf } from './dependency.ts';
import { isFree, nextFree, ownerOf } from './ports.ts';
import { fetchText } from './probe.ts';
import type { Reservations } from './reserve.ts';

/** Logs, the event bus and the store need at least this much room. */
const ROOM_BYTES = 256 * 1024 * 1024;

/** Makes the data directory and its folders, and sees that they can be written to. */
export function prepareDataDir(paths: DataPaths): void {
  try {
    for (const dir of [paths.dir, paths.logs, paths.run]) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      accessSync(dir, constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    throw new CliError(
      `The data directory ${paths.dir} cannot be written to (${messageOf(error)}). Choose another with --data.`,
    );
  }
}

/** Sees that a folder's disk has room. */
export function checkRoom(dir: string, what: string, needed_bytes = ROOM_BYTES): void {
  let free_bytes: number;
  try {
    const disk = statfsSync(dir);
    free_bytes = disk.bavail * disk.bsize;
  } catch {
    return;
  }
  if (free_bytes < needed_bytes)
    throw new CliError(
      `${what} needs ${bytes(needed_bytes)} in ${dir}, but ${bytes(free_bytes)} are free. Make room there, or choose another place.`,
    );
}

/** The ports of every service, and those of every dependency by their names. */
export interface Ports {
  readonly services: Readonly<Partial<Record<ServiceName, number>>>;
  readonly dependencies: Readonly<Partial<Record<KnownDependency, Readonly<Record<string, number>>>>>;
}

/** Finds and reserves ports: the gateway's must be free; the others move to the next free one and say so. */
export async function choosePorts(
  stack: Stack,
  options: { host: string; port: number; ui: Ui; reservations: Reservations },
): Promise<Ports> {
  await requireGatewayPort(options);
  const names = stack.services.flatMap((placement: ServicePlacement) => servicesOf(placement));
  const out: Partial<Record<ServiceName, number>> = { gateway: options.port };
  const dependencies: Partial<Record<KnownDependency, Record<string, number>>> = {};
  const wanted: { name: string; port: number; chosen: (free: number) => void }[] = [];
  for (const one of localDependencies(stack)) {
    const ports = portsOf(one);
    dependencies[one.name] = ports;
    for (const [at, port] of Object.entries(ports))
      wanted.push({
        name: one.name,
        port,
        chosen: (free) => {
          ports[at] = free;
        },
      });
  }
  for (const name of names.filter((one) => one !== 'gateway'))
    wanted.push({
      name,
      port: services[name].port,
      chosen: (free) => {
        out[name] = free;
      },
    });
  const used = new Set([options.port]);
  for (const one of wanted) {
    const { name, port } = one;
    const others = wanted.filter((other) => other !== one).map((other) => other.port);
    const { reservations } = options;
    const taken = new Set([...used, ...others]);
    const free = await nextFree(port, { host: '127.0.0.1', taken, reservations });
    if (free !== port)
      options.ui.say(`  port ${port} is taken by ${ownerOf(port) ?? 'another start'}: ${name} uses ${free}`);
    used.add(free);
    one.chosen(free);
  }
  return { services: out, dependencies };
}

async function requireGatewayPort(options: {
  host: string;
  port: number;
  reservations: Reservations;
}): Promise<void> {
  const { host, port, reservations } = options;
  if (reservations.take(port)) {
    if (await isFree(port, host)) return;
    reservations.release(port);
  }
  const owner = ownerOf(port);
  const health = await fetchText(`http://127.0.0.1:${port}/healthz`, { timeout_ms: 500 }).catch(
    () => undefined,
  );
  const body = health === undefined ? undefined : jsonOf(health.text);
  const ours = typeof body === 'object' && body !== null && 'service' in body && body.service === 'gateway';
  throw new CliError(
    `Port ${port} is taken by ${owner ?? 'another process'}${ours ? ', another platform' : ''}. ` +
      `Start on another port (--port ${port + 80}), or stop ${ours ? 'that one (npx mcp stop --data …)' : 'it'} first.`,
    EXIT.taken,
  );
}
