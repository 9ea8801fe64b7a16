import type { ConfigOf, Settings } from '@mcp/contracts';
import { z } from 'zod';
import { busSettings, commonSettings } from '../../manifest.ts';

/** Environment that every service understands. */
export const CommonEnv = configSchema({ ...commonSettings, ...busSettings });
export type CommonEnv = z.infer<typeof CommonEnv>;

/** How the environment is read that settings describe. */
export function configSchema<S extends Settings>(settings: S): z.ZodType<ConfigOf<S>> {
  const rows = Object.entries(settings);
  return z
    .object(Object.fromEntries(rows.map(([name, { schema }]) => [name, schema])))
    .superRefine((values, context) => {
      for (const [name, { requires = [] }] of rows)
        for (const other of values[name] === undefined ? [] : requires)
          if (values[other] === undefined)
            context.addIssue({ code: 'custom', path: [other], message: `must be set where ${name} is` });
    }) as unknown as z.ZodType<ConfigOf<S>>;
}

/** Configuration that does not fit. The message lists every variable with its rule; values are never shown. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the environment by a schema. Empty variables count as unset. Throws {@link ConfigError}. */
export function loadConfig<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(present);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '?');
    const state = name in present ? 'is set but' : 'is not set:';
    return `  ${name} ${state} ${issue.message}`;
  });
  throw new ConfigError(
    `The environment does not fit. Set these variables and start again:\n${lines.join('\n')}`,
  );
}
