import { z } from 'zod';

const Options = z.strictObject({
  /** Whose policy it is: a stack's name, so that stacks of one cluster have one each. */
  owner: z.string().regex(/^[a-z0-9-]+$/),
  /** Registry and path of the platform's images, without tag: `ghcr.io/acme/mcp`. */
  repository: z.string().regex(/^[a-z0-9.:-]+(\/[a-z0-9._-]+)+$/, 'must be such as ghcr.io/acme/mcp'),
  /** OIDC issuer that vouches for the signer; GitHub Actions': `https://token.actions.githubusercontent.com`. */
  issuer: z.url({ protocol: /^https$/ }),
  /** Who may sign: the whole subject, anchored, such as `^https://github[.]com/acme/mcp/…@refs/heads/main$`. */
  subject_regexp: z
    .string()
    .regex(/^\^[\s\S]+\$$/, 'must be anchored by ^ and $: otherwise a longer subject of someone else matches')
    .refine(
      (text) => !/^\^\.[*+]\$$/.test(text),
      'must name the signer: ^.*$ admits every workflow on GitHub',
    ),
});
/** What a signature must say. */
export type ImagePolicyOptions = z.infer<typeof Options>;

/** GitHub's OIDC issuer for workflows. */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';

/** ClusterImagePolicy of sigstore's policy-controller. */
export interface ClusterImagePolicy {
  readonly apiVersion: 'policy.sigstore.dev/v1beta1';
  readonly kind: 'ClusterImagePolicy';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly mode: 'enforce';
    readonly images: readonly { readonly glob: string }[];
    readonly authorities: readonly object[];
  };
}

/**
 * Admits images of a repository only with a keyless signature (Fulcio certificate of the given OIDC subject, entry
 * in Rekor). policy-controller looks only at namespaces labelled `policy.sigstore.dev/include: "true"`. Throws a
 * ZodError that names the option that does not hold.
 */
export function clusterImagePolicy(options: ImagePolicyOptions): ClusterImagePolicy {
  const { owner, repository, issuer, subject_regexp } = Options.parse(options);
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: `mcp-${owner}` },
    spec: {
      mode: 'enforce',
      images: [{ glob: `${repository}/**` }],
      authorities: [
        {
          name: 'keyless',
          keyless: {
            url: 'https://fulcio.sigstore.dev',
            identities: [{ issuer, subjectRegExp: subject_regexp }],
          },
          ctlog: { url: 'https://rekor.sigstore.dev' },
        },
      ],
    },
  };
}
