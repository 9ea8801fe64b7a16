/** A Secret that there must be, with the names of what is in it. */
export interface SecretShape {
  readonly namespace: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** What nobody but the operator can know, by Secret and key: the variable that gives it, or that names its file. */
const GIVEN: Readonly<Record<string, { readonly variable: string; readonly is: 'value' | 'file' }>> = {
  'mcp-database/url': { variable: 'DATABASE_URL', is: 'value' },
  'mcp-nats-tls/ca.crt': { variable: 'NATS_TLS_CA', is: 'file' },
  'mcp-nats-tls/tls.crt': { variable: 'NATS_TLS_CERT', is: 'file' },
  'mcp-nats-tls/tls.key': { variable: 'NATS_TLS_KEY', is: 'file' },
};
const ADMIN = { key: 'mcp-admin-key/key', hash: 'mcp-admin-key/hash' } as const;

/**
 * A script for sh that makes the namespaces, then the Secrets that are not there yet: random values, the same in every
 * namespace, the admin key with its hash, and the identities of services from the variables that `npx mcp identity` names. It prints no value, and takes none on a command line.
 */
export function secretsScript(
  secrets: readonly SecretShape[],
  namespace_files: readonly string[],
  identityVariableOf: (secret: string) => string | undefined,
): string {
  const namespaces = [...new Set(secrets.map(({ namespace }) => namespace))].sort();
  const values = [...new Set(secrets.flatMap(({ name, keys }) => keys.map((key) => `${name}/${key}`)))]
    // The hash is made of the key.
    .sort((a, b) => Number(a === ADMIN.hash) - Number(b === ADMIN.hash) || a.localeCompare(b));
  return `#!/bin/sh
# Makes the namespaces and the Secrets of the platform, where they are not there yet. Shows no value.
set -eu
umask 077
cd "$(dirname "$0")"
values=$(mktemp -d)
trap 'rm -rf "$values"' EXIT
${namespace_files.map((file) => `kubectl apply --server-side --force-conflicts --filename ${file}`).join('\n')}

# known SECRET KEY: what a namespace has already
known() {
  for namespace in ${namespaces.join(' ')}; do
    kubectl --namespace "$namespace" get secret "$1" --ignore-not-found --output "go-template={{with index .data \\"$2\\"}}{{. | base64decode}}{{end}}" > "$values/$1.$2" || exit 1
    [ ! -s "$values/$1.$2" ] || return 0
  done
  return 1
}
# make NAMESPACE SECRET KEY...
make() {
  namespace=$1; secret=$2; shift 2
  if kubectl --namespace "$namespace" get secret "$secret" > /dev/null 2>&1; then
    echo "$namespace has $secret"
    return
  fi
  for key in "$@"; do shift; set -- "$@" "--from-file=$key=$values/$secret.$key"; done
  kubectl --namespace "$namespace" create secret generic "$secret" "$@"
}

${values.map((value) => valueLine(value, identityVariableOf(value.split('/')[0] ?? ''))).join('\n')}

${[...secrets]
  .sort((a, b) => `${a.namespace} ${a.name}`.localeCompare(`${b.namespace} ${b.name}`))
  .map(({ namespace, name, keys }) => `make ${namespace} ${name} ${[...keys].sort().join(' ')}`)
  .join('\n')}
`;
}

function valueLine(value: string, identity: string | undefined): string {
  const [secret = '', key = ''] = value.split('/');
  const file = `"$values/${secret}.${key}"`;
  if (identity !== undefined)
    return `known ${secret} ${key} || printf %s "\${${identity}:?is printed by npx mcp identity}" > ${file}`;
  return `known ${secret} ${key} || ${sourceOf(value)} > ${file}`;
}

function sourceOf(value: string): string {
  const given = GIVEN[value];
  if (given !== undefined) {
    const variable = `"\${${given.variable}:?set it to the ${given.is} for ${value}}"`;
    return given.is === 'file' ? `cat ${variable}` : `printf %s ${variable}`;
  }
  if (value === ADMIN.key) return `printf 'mcp_%s' "$(openssl rand -hex 32)"`;
  if (value === ADMIN.hash)
    return `printf %s "$(openssl dgst -sha256 -r < "$values/${ADMIN.key.replace('/', '.')}" | cut -c 1-64)"`;
  return 'printf %s "$(openssl rand -hex 32)"';
}
