export {
  type ConstraintOptions,
  constraints,
  constraintTemplates,
  type GatekeeperObject,
  syncSet,
} from './gatekeeper/templates.ts';
export {
  type ClusterImagePolicy,
  clusterImagePolicy,
  GITHUB_ISSUER,
  type ImagePolicyOptions,
} from './images/cluster-image-policy.ts';
export { type Params, type PolicySettings, paramsOf } from './params.ts';
export type { Rule } from './rules/rule.ts';
export {
  appliesTo,
  packConfig,
  RULES,
  type Violation,
  violations,
  violationsOf,
} from './rules.ts';
