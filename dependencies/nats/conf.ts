/** nats.conf as text: the one place where it is written, for pods, Compose, this machine and tests. */

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly allow_responses?: boolean;
}

/** A user of the bus, whose password is in a variable of the server's environment. */
export interface ConfUser {
  readonly name: string;
  readonly password_variable: string;
  /** Undefined: everything is allowed. */
  readonly permissions?: Permissions;
}

interface Cluster {
  readonly name: string;
  readonly port: number;
  readonly user: string;
  readonly password_variable: string;
  readonly routes_variable: string;
}

interface Leafnodes {
  /** Where other regions dial; undefined: none does. */
  readonly port?: number;
  /** A variable with the address of each region that is dialled. */
  readonly remote_variables: readonly string[];
}

export interface NatsConf {
  readonly host?: string;
  readonly port: number;
  /** Port of the monitoring pages; undefined: there are none. */
  readonly monitor_port?: number;
  readonly tags: readonly string[];
  readonly store: {
    readonly dir: string;
    readonly domain?: string;
    readonly max_bytes?: number;
    /** True: an acknowledged message is on disk. */
    readonly sync: boolean;
  };
  /** Empty: whoever reaches the bus may use it. */
  readonly users: readonly ConfUser[];
  /** Folder of the certificate that servers show to each other. */
  readonly certificate_dir?: string;
  readonly cluster?: Cluster;
  readonly leafnodes?: Leafnodes;
}

const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
const MAX_MEMORY = '128MB';
const LONGEST_WAIT_S = 5;

/** The text of nats.conf. Passwords come from the environment, so none is in it. */
export function natsConf(conf: NatsConf): string {
  const lines = [
    ...given(conf.host, (host) => `host: ${JSON.stringify(host)}`),
    `port: ${conf.port}`,
    ...given(conf.monitor_port, (port) => `http_port: ${port}`),
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    ...(conf.tags.length === 0
      ? []
      : [`server_tags: [${conf.tags.map((tag) => JSON.stringify(tag)).join(', ')}]`]),
    ...storeLines(conf.store),
    ...userLines(conf.users),
    ...clusterLines(conf),
    ...leafnodeLines(conf),
  ];
  return `${lines.join('\n')}\n`;
}

function storeLines({ dir, domain, max_bytes, sync }: NatsConf['store']): string[] {
  return [
    'jetstream {',
    ...given(domain, (name) => `  domain: ${JSON.stringify(name)}`),
    `  store_dir: ${JSON.stringify(dir)}`,
    ...(sync ? ['  sync_interval: always'] : []),
    `  max_memory_store: ${MAX_MEMORY}`,
    ...given(max_bytes, (bytes) => `  max_file_store: ${bytes}`),
    '}',
  ];
}

function userLines(users: NatsConf['users']): string[] {
  if (users.length === 0) return [];
  const line = ({ name, password_variable, permissions }: ConfUser) =>
    `    { user: ${JSON.stringify(name)}, password: $${password_variable}${
      permissions === undefined ? '' : `, permissions: ${indented(permissions)}`
    } }`;
  return ['authorization {', '  users = [', ...users.map(line), '  ]', '}'];
}

/** One value a line, for who reads what changes. */
function indented(permissions: Permissions): string {
  return JSON.stringify(permissions, null, 2).replaceAll('\n', '\n    ');
}

function clusterLines({ cluster, certificate_dir = '' }: NatsConf): string[] {
  if (cluster === undefined) return [];
  const { name, port, user, password_variable, routes_variable } = cluster;
  return [
    'cluster {',
    `  name: ${JSON.stringify(name)}`,
    `  port: ${port}`,
    `  authorization { user: ${JSON.stringify(user)}, password: $${password_variable}, timeout: ${LONGEST_WAIT_S} }`,
    // Both ends of a route: who dials checks the name, who is dialled the certificate.
    `  tls { ${filesIn(certificate_dir)}, verify: true, timeout: ${LONGEST_WAIT_S} }`,
    `  routes: $${routes_variable}`,
    '}',
  ];
}

function leafnodeLines({ leafnodes, certificate_dir = '' }: NatsConf): string[] {
  if (leafnodes === undefined) return [];
  const { port, remote_variables } = leafnodes;
  const files = filesIn(certificate_dir);
  const remote = (variable: string) => `    { urls: [$${variable}], tls { ${files} } }`;
  return [
    'leafnodes {',
    ...(port === undefined ? [] : [`  port: ${port}`, `  tls { ${files}, verify: true }`]),
    ...(remote_variables.length === 0 ? [] : ['  remotes = [', ...remote_variables.map(remote), '  ]']),
    '}',
  ];
}

function filesIn(dir: string): string {
  return `cert_file: "${dir}/tls.crt", key_file: "${dir}/tls.key", ca_file: "${dir}/ca.crt"`;
}

function given<T>(value: T | undefined, line: (value: T) => string): string[] {
  return value === undefined ? [] : [line(value)];
}
