/** Writes an object as the API server keeps it: what it spells otherwise would be a difference in every later preview. */

/** Built-in kinds; what an empty object means in others is theirs to say. */
const BUILT_IN =
  /^((apps|autoscaling|batch|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io|scheduling\.k8s\.io)\/)?v\d\w*$/;
/** What means something although it is empty: all pods, all namespaces, a volume of its kind. */
const MEANT_EMPTY = new Set(['podSelector', 'namespaceSelector', 'emptyDir']);
/** Names of ours: nothing below is a field of Kubernetes. */
const FREE = new Set(['annotations', 'binaryData', 'data', 'matchLabels', 'nodeSelector', 'stringData']);
const QUANTITIES = new Set([
  'capacity',
  'default',
  'defaultRequest',
  'hard',
  'limits',
  'max',
  'min',
  'requests',
]);

/**
 * What cdk8s-plus says of itself, and the API server assumes where nobody does. It is left out: the first four rows
 * would not be kept, the others would fill every dump. `cdk8s.io/metadata.addr` is the label by which its constructs
 * find each other's pods; ours are found by labels that outlive a chart.
 */
export const ASSUMED: Readonly<Record<string, unknown>> = {
  apiGroup: '',
  hostNetwork: false,
  minReadySeconds: 0,
  readOnly: false,
  dnsPolicy: 'ClusterFirst',
  immutable: false,
  privileged: false,
  progressDeadlineSeconds: 600,
  restartPolicy: 'Always',
  scheme: 'HTTP',
  setHostnameAsFQDN: false,
  volumeMode: 'Filesystem',
};
const ADDRESS_LABEL = 'cdk8s.io/metadata.addr';

export function asKept<T extends { readonly apiVersion: string }>(manifest: T): T {
  return BUILT_IN.test(manifest.apiVersion) ? (fieldsOf(manifest) as T) : manifest;
}

function fieldsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fieldsOf);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    if (one === null || one === undefined || key === ADDRESS_LABEL) return [];
    if (key in ASSUMED && ASSUMED[key] === one) return [];
    if (FREE.has(key)) return isEmpty(one) ? [] : [[key, one]];
    if (key === 'sizeLimit') return [[key, canonicalQuantity(one)]];
    const made = QUANTITIES.has(key) && isRecord(one) ? quantitiesOf(one) : fieldsOf(one);
    return isEmpty(made) && !MEANT_EMPTY.has(key) ? [] : [[key, made]];
  });
  return Object.fromEntries(kept);
}

function quantitiesOf(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).map(([key, one]) => [key, canonicalQuantity(one)]));
}

function isEmpty(value: unknown): boolean {
  return value !== null && typeof value === 'object' && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const SUFFIXES = ['Ki', 'Mi', 'Gi', 'Ti'] as const;

/** The largest suffix that leaves a whole number: `1024Mi` is `1Gi`, `1000m` is `1`. Others stay as they are. */
export function canonicalQuantity(quantity: unknown): unknown {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|Ti)?$/.exec(String(quantity)) ?? [];
  if (digits === undefined) return quantity;
  const at = SUFFIXES.indexOf(unit as (typeof SUFFIXES)[number]);
  if (at < 0) {
    const milli = Math.ceil(Number(digits) * (unit === 'm' ? 1 : 1000));
    return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
  }
  let amount = Number(digits);
  let suffix = at;
  for (; amount % 1 !== 0 && suffix > 0; suffix--) amount *= 1024;
  for (; amount % 1024 === 0 && suffix < SUFFIXES.length - 1; suffix++) amount /= 1024;
  return `${amount}${SUFFIXES[suffix]}`;
}
