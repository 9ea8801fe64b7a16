/** The policy of safety that is shipped. */
import type { SafetyPolicy } from '../src/guard/index.ts';

export const POLICY: SafetyPolicy = {
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
};
