/** The script that makes the Secrets of a platform which is applied without Pulumi. */
import { SECRETS, type SecretRow } from '@mcp/stacks';

/** A Secret that there must be, with the names of what is in it. */
export interface SecretShape {
  readonly namespace: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** Certificates that nobody but the operator can know, by Secret and key: the variable that names the file. */
const FILES: Readonly<Record<string, string>> = {
  'mcp-nats-tls/ca.crt': 'NATS_TLS_CA',
  'mcp-nats-tls/tls.crt': 'NATS_TLS_CERT',
  'mcp-nats-tls/tls.key': 'NATS_TLS_KEY',
};

/**
 * A script for sh that makes the namespaces, then the Secrets that are not there yet: random values, the same in every
 * namespace, hashes of them, and the identities of services from the variables that `npx mcp identity` names. It prints no
 * value, and takes none on a command line.
 */
export function secretsScript(secrets: readonly SecretShape[], namespace_files: readonly string[]): string {
  const namespaces = [...new Set(secrets.map(({ namespace }) => namespace))].sort();
  const values = [...new Set(secrets.flatMap(({ name, keys }) => keys.map((key) => `${name}/${key}`)))]
    // A hash is made of another value.
    .sort((a, b) => Number(isHash(a)) - Number(isHash(b)) || a.localeCompare(b));
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

${values.map(valueLine).join('\n')}

${[...secrets]
  .sort((a, b) => `${a.namespace} ${a.name}`.localeCompare(`${b.namespace} ${b.name}`))
  .map(({ namespace, name, keys }) => `make ${namespace} ${name} ${[...keys].sort().join(' ')}`)
  .join('\n')}
`;
}

function valueLine(value: string): string {
  const [secret = '', key = ''] = value.split('/');
  return `known ${secret} ${key} || ${sourceOf(value)} > "$values/${secret}.${key}"`;
}

/** The row of a value; undefined: it is no secret of the environment. */
function rowAt(value: string): SecretRow | undefined {
  return Object.values(SECRETS).find(({ object, key }) => `${object}/${key}` === value);
}

function isHash(value: string): boolean {
  return rowAt(value)?.made.by === 'sha256';
}

/** A command that writes the value. */
function sourceOf(value: string): string {
  const file = FILES[value];
  if (file !== undefined) return `cat "\${${file}:?set it to the file for ${value}}"`;
  const row = rowAt(value);
  if (row === undefined) return randomText(prefixOf(value));
  const { made, object, variable } = row;
  switch (made.by) {
    case 'operator':
      return `printf %s "\${${variable}:?set it to the value for ${value}}"`;
    case 'signing-key':
    case 'key-set':
      return `printf %s "\${${variable}:?is printed by npx mcp identity}"`;
    case 'sha256':
      return `printf %s "$(openssl dgst -sha256 -r < "$values/${object}.${made.of.key}" | cut -c 1-64)"`;
    case 'random':
      return randomText('');
    default:
      return made satisfies never;
  }
}

function randomText(prefix: string): string {
  return `printf %s "${prefix}$(openssl rand -hex 32)"`;
}

/** What a value begins with whose hash is a secret. */
function prefixOf(value: string): string {
  const hashed = Object.values(SECRETS).find(
    ({ object, made }) => made.by === 'sha256' && `${object}/${made.of.key}` === value,
  );
  return hashed?.made.by === 'sha256' ? (hashed.made.of.prefix ?? '') : '';
}
