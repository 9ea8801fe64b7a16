/** Users of the event bus, and what each may publish and hear. */
import {
  type ClusterPlace,
  copyOf,
  type DependencyLink,
  type DependencyUser,
  type ServiceManifest,
} from '@mcp/contracts';

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly allow_responses: boolean;
}

/** A user of the event bus that is not another region. */
interface BusUser {
  readonly name: string;
  readonly permissions: Permissions;
}

/** What of a cluster says what users may do. */
type Bus = Pick<ClusterPlace, 'users' | 'links'>;

const BUCKET_STREAM = 'KV_';

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

/** The users of a region's own servers, by name. */
export function busUsers(bus: Bus): BusUser[] {
  const { users } = bus;
  const streams = [...new Set(users.flatMap(({ inside }) => inside.flatMap(streamsOf)))].sort();
  return [
    ...users.map((user) => ({ name: user.name, permissions: permissionsOf(bus, user) })),
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
    ...bus.buckets.map((bucket) => `${BUCKET_STREAM}${bucket}`),
    ...bus.objects.map((store) => `OBJ_${store}`),
  ];
}

/** What a service may publish and hear: its own streams, subjects and buckets, and answers to itself. */
function permissionsOf({ links }: Bus, { name, inside }: DependencyUser): Permissions {
  const streams = inside.flatMap((manifest) => [...streamsOf(manifest), ...copiedStreams(links, manifest)]);
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
  const subscribed = inside.flatMap(({ bus }) => bus.subscribes);
  return {
    publish: ['$JS.API.INFO', ...new Set([...api, ...subjects])].sort(),
    subscribe: [`_INBOX.${name}.>`, ...new Set(subscribed)].sort(),
    // Who is asked may answer, once.
    allow_responses: subscribed.length > 0,
  };
}

/** Streams of copies that a service keeps of what peers share: their names carry the peer's. */
function copiedStreams(links: readonly DependencyLink[], manifest: ServiceManifest): string[] {
  return links
    .filter(({ fails_over_here }) => fails_over_here)
    .flatMap(({ region }) => sharedStreams(manifest).map((stream) => copyOf(stream, region)));
}

/** Streams, and those behind buckets, of which peers keep copies. */
function sharedStreams({ bus }: ServiceManifest): string[] {
  return [...bus.shared.map((bucket) => `${BUCKET_STREAM}${bucket}`), ...bus.shared_streams];
}

/** Name of the user as which a region dials another. */
export function linkUser(region: string): string {
  return `region-${region}`;
}

/** What a region that dials this one may do: what is shared goes to whom its region fails over to, and nothing else. */
export function linkPermissions(
  { region, users }: Pick<ClusterPlace, 'region' | 'users'>,
  link: DependencyLink,
): Omit<Permissions, 'allow_responses'> {
  const ours = users.flatMap(({ inside }) => inside.flatMap(sharedStreams));
  const copying = (here: string) =>
    ours.flatMap((stream) => [`$JS.${here}.API.CONSUMER.CREATE.${stream}`, `$JS.FC.${stream}.>`]);
  // What asks for a copy, what answers, and the messages of the copy.
  const answers = ['$JSC.R.>', '$JS.M.>'];
  return {
    publish: [...(link.fails_over_there ? copying(region.name) : []), ...answers],
    subscribe: [...(link.fails_over_here ? copying(link.region) : []), ...answers],
  };
}
