import { RULES } from '../rules.ts';
import type { Example } from './example.ts';

/** The examples of every rule: at least one that passes and one that fails, each goes through TypeScript and Rego. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = Object.fromEntries(
  await Promise.all(
    RULES.map(async ({ name }) => {
      const { examples } = (await import(`../rules/${name}/examples.ts`)) as {
        readonly examples: readonly Example[];
      };
      return [name, examples] as const;
    }),
  ),
);
