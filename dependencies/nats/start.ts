/** How a nats-server is started: alone with one user on a machine, in a cluster with a user per service, routes and links. */
import type {
  ClusterPlace,
  DependencyLink,
  DependencyPlace,
  DependencyStart,
  DependencyVariable,
} from '@mcp/contracts';
import { type ConfUser, type NatsConf, natsConf } from './conf.ts';
import { busUsers, linkPermissions, linkUser } from './users.ts';

const CONF = 'nats.conf';
const CERTIFICATE_DIR = '/etc/nats-tls';
/** The user of a bus without users per service. */
const ONE_USER = 'mcp';
const ONE_PASSWORD = 'NATS_PASSWORD';
/** With it the servers of one region know each other; each also proves itself by certificate. */
const CLUSTER_PASSWORD = 'CLUSTER_PASSWORD';
const ROUTES = 'CLUSTER_ROUTES';
const ROUTE_USER = 'route';
/** One for all links of a platform; each end also proves itself by certificate. */
const LINK_PASSWORD = 'LINK_PASSWORD';

export function natsStart(place: DependencyPlace): DependencyStart {
  const args = ['--config', `${place.config_dir}/${CONF}`];
  return place.cluster === undefined
    ? { ...alone(place), args }
    : {
        files: { [CONF]: natsConf(confInCluster(place, place.cluster)) },
        args: [
          ...args,
          '--name',
          '$(POD_NAME)',
          // Servers tell each other where they are by the name that is in their certificate, not by a pod's address.
          ...(place.cluster.servers.length > 1
            ? ['--cluster_advertise', `${place.cluster.own_address}:${place.ports.cluster}`]
            : []),
        ],
        env: environmentInCluster(place, place.cluster),
      };
}

/** What every place has alike. */
function common({
  host,
  ports,
  data_dir,
  durable,
  storage_bytes,
}: DependencyPlace): Pick<NatsConf, 'host' | 'port' | 'monitor_port'> & { store: NatsConf['store'] } {
  return {
    ...(host === undefined ? {} : { host }),
    port: ports.client ?? 0,
    ...(ports.monitor === undefined ? {} : { monitor_port: ports.monitor }),
    store: {
      dir: data_dir,
      sync: durable,
      ...(storage_bytes === undefined ? {} : { max_bytes: storage_bytes }),
    },
  };
}

function alone(place: DependencyPlace): Pick<DependencyStart, 'files' | 'env'> {
  const { password } = place;
  const users = password === undefined ? [] : [{ name: ONE_USER, password_variable: ONE_PASSWORD }];
  return {
    files: { [CONF]: natsConf({ ...common(place), tags: [], users }) },
    // In quotes: nats-server would read a password of digits as a number.
    env: password === undefined ? [] : [{ name: ONE_PASSWORD, value: `"${password}"` }],
  };
}

function confInCluster(place: DependencyPlace, cluster: ClusterPlace): NatsConf {
  const { region, links, servers } = cluster;
  const { store, ...rest } = common(place);
  const dialled = links.filter(({ dials }) => dials);
  return {
    ...rest,
    tags: [`region:${region.name}`, `residency:${region.residency}`],
    // A domain of its own in every region: what happens to one leaves the others alone.
    store: { ...store, domain: region.name },
    users: [
      ...busUsers(cluster).map(
        ({ name, permissions }): ConfUser => ({
          name,
          password_variable: passwordVariable(name),
          permissions,
        }),
      ),
      ...links
        .filter(({ dials }) => !dials)
        .map(
          (link): ConfUser => ({
            name: linkUser(link.region),
            password_variable: LINK_PASSWORD,
            permissions: linkPermissions(cluster, link),
          }),
        ),
    ],
    certificate_dir: CERTIFICATE_DIR,
    ...(servers.length > 1
      ? {
          cluster: {
            name: region.name,
            port: place.ports.cluster ?? 0,
            user: ROUTE_USER,
            password_variable: CLUSTER_PASSWORD,
            routes_variable: ROUTES,
          },
        }
      : {}),
    ...(links.length === 0
      ? {}
      : {
          leafnodes: {
            ...(place.ports.link !== undefined ? { port: place.ports.link } : {}),
            remote_variables: dialled.map(urlVariable),
          },
        }),
  };
}

/** References to Secrets first, for values may name them: the kubelet puts the passwords in. */
function environmentInCluster({ ports }: DependencyPlace, cluster: ClusterPlace): DependencyVariable[] {
  const { region, links, servers } = cluster;
  const secret = (name: string, object: string) => ({ name, secret: { object, key: 'password' } });
  return [
    { name: 'POD_NAME', field: 'metadata.name' },
    ...busUsers(cluster).map(({ name }) => secret(passwordVariable(name), `mcp-nats-${name}`)),
    ...(links.length === 0 ? [] : [secret(LINK_PASSWORD, 'mcp-nats-link')]),
    ...links
      .filter(({ dials }) => dials)
      .map((link) => ({
        name: urlVariable(link),
        value: JSON.stringify(`tls://${linkUser(region.name)}:$(${LINK_PASSWORD})@${link.address}`),
      })),
    ...(servers.length > 1
      ? [
          secret(CLUSTER_PASSWORD, 'mcp-nats-cluster'),
          {
            name: ROUTES,
            value: JSON.stringify(
              servers.map(
                (server) => `tls://${ROUTE_USER}:$(${CLUSTER_PASSWORD})@${server}:${ports.cluster}`,
              ),
            ),
          },
        ]
      : []),
  ];
}

function passwordVariable(name: string): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
}

function urlVariable({ region }: DependencyLink): string {
  return `LINK_URL_${region.toUpperCase().replaceAll('-', '_')}`;
}
