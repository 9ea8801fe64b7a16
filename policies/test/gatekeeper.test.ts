import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  type ConstraintOptions,
  clusterImagePolicy,
  constraints,
  constraintTemplates,
  GITHUB_ISSUER,
  packConfig,
  RULES,
  syncSet,
} from '../index.ts';

const OPTIONS: ConstraintOptions = {
  namespaces: ['mcp-eu', 'mcp-us'],
  allowed_registries: ['ghcr.io/acme/'],
  enforcement: 'deny',
  owner: 'prod',
};
const Constraint = z.object({
  enforcementAction: z.string(),
  match: z.object({
    namespaces: z.array(z.string()),
    kinds: z.array(z.object({ kinds: z.array(z.string()) })),
  }),
  parameters: z.record(z.string(), z.unknown()),
});
const Template = z.object({
  crd: z.object({
    spec: z.object({
      names: z.object({ kind: z.string() }),
      validation: z.object({ openAPIV3Schema: z.object({ properties: z.record(z.string(), z.unknown()) }) }),
    }),
  }),
  targets: z.tuple([
    z.object({
      code: z.tuple([
        z.object({
          engine: z.literal('Rego'),
          source: z.object({ version: z.literal('v1'), rego: z.string(), libs: z.array(z.string()) }),
        }),
      ]),
    }),
  ]),
});

it('gives each rule that Gatekeeper can hold a template whose schema takes what its constraint says', () => {
  const templates = new Map(
    constraintTemplates(OPTIONS).map(({ metadata, spec }) => {
      const { crd } = Template.parse(spec);
      expect(metadata.name).toBe(crd.spec.names.kind.toLowerCase());
      return [crd.spec.names.kind, Object.keys(crd.spec.validation.openAPIV3Schema.properties)];
    }),
  );
  const all = constraints(OPTIONS);
  expect(all.length).toBe(RULES.filter(({ gatekeeper }) => gatekeeper !== 'none').length);
  for (const { kind, spec } of all)
    expect(templates.get(kind)).toEqual(Object.keys(Constraint.parse(spec).parameters));
});

it('gives two owners nothing in common', () => {
  const namesOf = (owner: string) => [
    ...constraintTemplates({ owner }).map(({ metadata }) => metadata.name),
    ...constraints({ ...OPTIONS, owner }).flatMap(({ kind, metadata }) => [kind, metadata.name]),
    syncSet({ owner }).metadata.name,
    clusterImagePolicy({ ...SIGNER, owner }).metadata.name,
  ];
  const [ours, theirs] = [namesOf('prod'), new Set(namesOf('prod-eu'))];
  expect(ours.filter((name) => theirs.has(name))).toEqual([]);
});

it('looks at the given namespaces alone, and refuses to look at all', () => {
  for (const { spec } of constraints(OPTIONS))
    expect(Constraint.parse(spec).match.namespaces).toEqual(['mcp-eu', 'mcp-us']);
  expect(() => constraints({ ...OPTIONS, namespaces: [] })).toThrow('at least one namespace');
});

it('denies by what admission can see, and only reports what needs the neighbours', () => {
  const actions = Object.fromEntries(
    constraints(OPTIONS).map(({ metadata, spec }) => [
      metadata.name,
      Constraint.parse(spec).enforcementAction,
    ]),
  );
  expect(actions).toMatchObject({ 'mcp-prod-image-tag': 'deny', 'mcp-prod-network-policy': 'dryrun' });
  expect(Object.keys(actions)).toContain('mcp-prod-image-digest');
  const dry = constraints({ ...OPTIONS, enforcement: 'dryrun', by_digest: false });
  expect(new Set(dry.map(({ spec }) => Constraint.parse(spec).enforcementAction))).toEqual(
    new Set(['dryrun']),
  );
  expect(dry.map(({ metadata }) => metadata.name)).not.toContain('mcp-prod-image-digest');
});

it('keeps every kind that the Rego reads beside the object', () => {
  const audited = constraintTemplates(OPTIONS).filter(
    ({ metadata }) => metadata.annotations['metadata.gatekeeper.sh/requires-sync-data'],
  );
  const rego = audited.map(({ spec }) => Template.parse(spec).targets[0].code[0].source.rego).join('\n');
  const read = [...rego.matchAll(/mcp\.beside\("([^"]+)", "([^"]+)"\)/g)].map(
    ([, version, kind]) => `${version} ${kind}`,
  );
  const gvks = z.object({
    gvks: z.array(z.object({ group: z.string(), version: z.string(), kind: z.string() })),
  });
  const kept = gvks
    .parse(syncSet(OPTIONS).spec)
    .gvks.map(({ group, version, kind }) => `${group}/${version} ${kind}`);
  expect(read.sort()).toEqual(kept.sort());
});

it.each([
  ['a registry without its last slash', { allowed_registries: ['ghcr.io/acme'] }],
  ['a pattern', { allowed_registries: ['*/'] }],
])('refuses %s', (_what, settings) => {
  expect(() => constraints({ ...OPTIONS, ...settings })).toThrow('must be such as ghcr.io/acme/');
});

it('tells the Pulumi pack what the stack says, rule by rule', () => {
  expect(
    packConfig({ allowed_registries: ['ghcr.io/acme/'], by_digest: false, load_balancers: ['edge'] }),
  ).toEqual({
    'image-registry': { allowed_registries: ['ghcr.io/acme/'] },
    'image-digest': { by_digest: false },
    'service-types': { load_balancers: ['edge'] },
    'signed-images': { signed_registries: [] },
  });
});

const SIGNER = {
  owner: 'prod',
  repository: 'ghcr.io/acme/mcp',
  issuer: GITHUB_ISSUER,
  subject_regexp: '^https://github[.]com/acme/mcp/[.]github/workflows/deploy[.]yml@refs/heads/main$',
};

it('admits images of the repository with the signature of its workflow', () => {
  expect(clusterImagePolicy(SIGNER)).toMatchObject({
    metadata: { name: 'mcp-prod' },
    spec: {
      mode: 'enforce',
      images: [{ glob: 'ghcr.io/acme/mcp/**' }],
      authorities: [
        { keyless: { identities: [{ issuer: SIGNER.issuer, subjectRegExp: SIGNER.subject_regexp }] } },
      ],
    },
  });
});

it.each([
  ['anchored', { subject_regexp: 'https://github[.]com/acme/.*' }],
  ['must name the signer', { subject_regexp: '^.*$' }],
  ['ghcr.io/acme/mcp', { repository: 'ghcr.io/acme/mcp:1' }],
  ['Invalid URL', { issuer: 'http://token.actions.githubusercontent.com' }],
])('refuses a signature policy that is too wide: %s', (message, options) => {
  expect(() => clusterImagePolicy({ ...SIGNER, ...options })).toThrow(message);
});
