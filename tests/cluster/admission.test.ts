import { expect, it } from 'vitest';
import { EU, kubectl, outcome, show } from './support.ts';

const LABELS = {
  'app.kubernetes.io/name': 'probe',
  'app.kubernetes.io/instance': 'multi-region-local-eu',
  'app.kubernetes.io/part-of': 'mcp',
  'app.kubernetes.io/managed-by': 'tests',
  'mcp.platform/region': EU.name,
  'mcp.platform/residency': EU.residency,
};
const CONTAINER = {
  name: 'probe',
  image: 'docker.io/mcp/core:0.1.0',
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
  },
};
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'probe', namespace: EU.namespace, labels: LABELS },
  spec: {
    automountServiceAccountToken: false,
    nodeSelector: { 'residency.mcp.platform/eu': 'true' },
    securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [CONTAINER],
  },
};
const pod = (change: { container?: object; spec?: object; labels?: object }) => ({
  ...POD,
  metadata: { ...POD.metadata, labels: change.labels ?? LABELS },
  spec: { ...POD.spec, ...change.spec, containers: [{ ...CONTAINER, ...change.container }] },
});
const { 'mcp.platform/residency': _residency, ...WITHOUT_RESIDENCY } = LABELS;
const service = (type: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'probe', namespace: EU.namespace, labels: LABELS },
  spec: { type, ports: [{ port: 80 }], selector: LABELS },
});

const REFUSED: readonly [string, object, RegExp][] = [
  [
    'a privileged pod',
    pod({ container: { securityContext: { privileged: true } } }),
    /privileged|PodSecurity|mcp-multi-region/,
  ],
  [
    'latest',
    pod({ container: { image: 'docker.io/mcp/core:latest' } }),
    /mcp-multi-region-image-tag.*latest/,
  ],
  [
    'an image without a tag',
    pod({ container: { image: 'docker.io/mcp/core' } }),
    /mcp-multi-region-image-tag/,
  ],
  [
    'an image of a foreign registry',
    pod({ container: { image: 'evil.example.com/core:1' } }),
    /mcp-multi-region-image-registry/,
  ],
  [
    'missing limits',
    pod({ container: { resources: { requests: CONTAINER.resources.requests } } }),
    // The namespace's own bound says it before Gatekeeper is asked.
    /mcp-multi-region-resources-set|maximum \w+ usage per Pod/,
  ],
  ['missing labels', pod({ labels: WITHOUT_RESIDENCY }), /mcp-multi-region-required-labels/],
  ['an EU pod for any node', pod({ spec: { nodeSelector: {} } }), /mcp-multi-region-residency-nodes/],
  [
    'a secret in an environment value',
    pod({ container: { env: [{ name: 'API_TOKEN', value: 'hunter2' }] } }),
    /mcp-multi-region-no-secrets-in-env/,
  ],
  [
    'a hostPath',
    pod({ spec: { volumes: [{ name: 'v', hostPath: { path: '/etc' } }] } }),
    /hostPath|host-path/,
  ],
  ['NodePort', service('NodePort'), /mcp-multi-region-service-types/],
];

const tryOut = (object: object) =>
  outcome(kubectl(['apply', '--dry-run=server', '--filename', '-'], JSON.stringify(object)));

it('Gatekeeper and Pod Security refuse what breaks a rule, and admit what does not', async () => {
  const rows: Record<string, unknown>[] = [];
  for (const [what, object, reason] of REFUSED) {
    const { ok, text } = await tryOut(object);
    rows.push({ what, admitted: ok, reason: text.replace(/\s+/g, ' ').slice(0, 110) });
    expect(ok, what).toBe(false);
    expect(text, what).toMatch(reason);
  }
  for (const [what, object] of [
    ['a good pod', POD],
    ['ClusterIP', service('ClusterIP')],
  ] as const) {
    const { ok, text } = await tryOut(object);
    rows.push({ what, admitted: ok, reason: ok ? '' : text.slice(0, 110) });
    expect(ok, text).toBe(true);
  }
  show('Admission', rows);
});
