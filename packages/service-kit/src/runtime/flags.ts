import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { ConfigError } from './config.ts';

/**
 * Every feature flag, once (blueprint: "all new features controlled by env flags").
 * An environment variable of the same name (`true`/`false`) overrides the default; the stack sets that variable.
 */
export const FLAGS = {
  MODEL_ARBITRATION_ENABLED: {
    default: true,
    description: 'Score both models of a conversation, choose an answer and record why.',
  },
  ARBITRATION_CRITIQUE_ENABLED: {
    default: true,
    description: 'Take one extra critique turn when the two models diverge.',
  },
  TOKEN_BUDGET_SUMMARY_ENABLED: {
    default: true,
    description: 'Summarise what does not fit the token budget; off, it is cut.',
  },
  PII_TAGGING_ENABLED: { default: true, description: 'Tag personal data in conversation logs.' },
  RECORD_COMPLETIONS_ENABLED: {
    default: true,
    description:
      'Keep responses, and completions that ask for it with `store: true`, with a conversation log of each.',
  },
} as const satisfies Record<string, { default: boolean; description: string }>;

export type FlagName = keyof typeof FLAGS;

export interface FlagState {
  readonly name: FlagName;
  readonly value: boolean;
  readonly source: 'default' | 'environment';
  readonly description: string;
}

export interface Flags {
  enabled(name: FlagName): boolean;
}

/** The value of every flag and where it comes from. Throws when a variable is neither `true` nor `false`. */
export function flagStates(env: NodeJS.ProcessEnv): FlagState[] {
  return (Object.keys(FLAGS) as FlagName[]).map((name) => {
    const raw = env[name];
    const { description } = FLAGS[name];
    if (raw === undefined || raw === '')
      return { name, value: FLAGS[name].default, source: 'default', description };
    if (raw !== 'true' && raw !== 'false')
      throw new ConfigError(
        `${name} must be true or false, got ${JSON.stringify(raw.slice(0, 40))}. Set it to one of them or unset it.`,
      );
    return { name, value: raw === 'true', source: 'environment', description };
  });
}

/** Evaluates all flags through OpenFeature, so that another provider can take over; reads are then free. */
export async function createFlags(service: string, env: NodeJS.ProcessEnv): Promise<Flags> {
  const states = flagStates(env);
  const configuration = Object.fromEntries(
    states.map(({ name, value }) => [
      name,
      { variants: { on: true, off: false }, defaultVariant: value ? 'on' : 'off', disabled: false },
    ]),
  );
  await OpenFeature.setProviderAndWait(service, new InMemoryProvider(configuration));
  const client = OpenFeature.getClient(service);
  const values = new Map<FlagName, boolean>();
  for (const { name } of states) values.set(name, await client.getBooleanValue(name, FLAGS[name].default));
  return { enabled: (name) => values.get(name) ?? FLAGS[name].default };
}
