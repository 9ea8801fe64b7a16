import { clusterImagePolicy, GITHUB_ISSUER } from '../../images/cluster-image-policy.ts';
import { type Example, fails, image, passes } from '../../test/example.ts';
import { deployment, IMAGE } from '../../test/objects.ts';

const policy = clusterImagePolicy({
  owner: 'prod',
  repository: 'ghcr.io/acme/mcp',
  issuer: GITHUB_ISSUER,
  subject_regexp: '^https://github[.]com/acme/mcp/.*@refs/heads/main$',
});
const unsigned = `container core has the image ${IMAGE}, which no ClusterImagePolicy covers`;

export const examples: readonly Example[] = [
  passes('a policy for the repository', deployment(), { all: [policy] }),
  passes('an image of others', image('docker.io/library/nats:2')),
  fails(deployment(), unsigned),
  fails(deployment(), unsigned, { all: [{ ...policy, spec: { ...policy.spec, mode: 'warn' } }] }),
  fails(deployment(), unsigned, {
    all: [{ ...policy, spec: { ...policy.spec, images: [{ glob: 'ghcr.io/acme/*' }] } }],
  }),
  fails(deployment(), unsigned, {
    all: [{ ...policy, spec: { ...policy.spec, authorities: [{ static: { action: 'pass' } }] } }],
  }),
];
