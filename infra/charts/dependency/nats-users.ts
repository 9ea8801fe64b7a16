import { copyOfBucket, type ServiceManifest } from '@mcp/contracts';
import { type RegionContext, workloads } from '../../context.ts';
import { copiedStreams } from './nats-links.ts';

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly allow_responses: boolean;
}

/** A user of the event bus that is not another region. */
export interface BusUser {
  readonly name: string;
  readonly permissions: Permissions;
}

/** A service with a user of its own, and whose streams it has: those of everything in its pod. */
interface ServiceUser {
  readonly name: ServiceManifest['name'];
  readonly inside: readonly ServiceManifest[];
}

/** Who saves streams, and who puts them back: what can be read by the one cannot be changed by it. */
export const OPERATORS = ['backup', 'restore'] as const;
type Operator = (typeof OPERATORS)[number];

/** What an operator of the bus publishes to, of one stream (NATS ADR-2 and the snapshots of its JetStream API). */
const OPERATIONS: Readonly<Record<Operator, (stream: string) => readonly string[]>> = {
  backup: (stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.SNAPSHOT.${stream}`,
    `$JS.SNAPSHOT.ACK.${stream}.>`,
  ],
  restore: (stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.DELETE.${stream}`,
    `$JS.API.STREAM.RESTORE.${stream}`,
    `$JS.SNAPSHOT.RESTORE.${stream}.*`,
  ],
};

/** Services with a user of their own on the bus: the placed ones in whose pod something needs it. */
export function serviceUsers({ stack }: Pick<RegionContext, 'stack'>): ServiceUser[] {
  return workloads(stack)
    .filter(({ inside }) => inside.some(({ needs }) => needs.includes('nats')))
    .map(({ manifest, inside }) => ({ name: manifest.name, inside }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The users of a region's own servers, by name. */
export function busUsers(context: Pick<RegionContext, 'stack' | 'region'>): BusUser[] {
  const users = serviceUsers(context);
  const streams = [...new Set(users.flatMap(({ inside }) => inside.flatMap(streamsOf)))].sort();
  return [
    ...users.map((user) => ({ name: user.name, permissions: permissionsOf(context, user) })),
    ...OPERATORS.map((name) => ({
      name,
      permissions: {
        publish: ['$JS.API.INFO', '$JS.API.STREAM.NAMES', ...streams.flatMap(OPERATIONS[name])].sort(),
        subscribe: [`_INBOX.${name}.>`],
        allow_responses: false,
      },
    })),
  ];
}

/** Streams, and those behind buckets and object stores, that a service makes. */
function streamsOf({ bus }: ServiceManifest): string[] {
  return [
    ...Object.keys(bus.streams),
    ...bus.buckets.map((bucket) => `KV_${bucket}`),
    ...bus.objects.map((store) => `OBJ_${store}`),
  ];
}

/** What a service may publish and hear: its own streams, subjects and buckets, and answers to itself. */
function permissionsOf(
  context: Pick<RegionContext, 'stack' | 'region'>,
  { name, inside }: ServiceUser,
): Permissions {
  const streams = inside.flatMap((manifest) => [
    ...streamsOf(manifest),
    ...copiedStreams(context, manifest.bus.shared, copyOfBucket),
  ]);
  const api = streams.flatMap((stream) => [
    ...['CREATE', 'INFO', 'PURGE', 'UPDATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.CONSUMER.*.${stream}`,
    `$JS.API.CONSUMER.*.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
    `$JS.ACK.${stream}.>`,
    `$JS.FC.${stream}.>`,
  ]);
  const subjects = inside.flatMap(({ bus }) => [
    ...Object.values(bus.streams).flat(),
    ...bus.buckets.map((bucket) => `$KV.${bucket}.>`),
    ...bus.objects.map((store) => `$O.${store}.>`),
    ...bus.publishes,
  ]);
  const heard = inside.flatMap(({ bus }) => bus.hears);
  return {
    publish: ['$JS.API.INFO', ...new Set([...api, ...subjects])].sort(),
    subscribe: [`_INBOX.${name}.>`, ...new Set(heard)].sort(),
    // Who is asked may answer, once.
    allow_responses: heard.length > 0,
  };
}
