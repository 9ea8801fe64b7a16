/** Accounts at providers: the settings by which they are named, how a start finds them, and what one without its key is told. */
import { z } from 'zod';

/** The key of a provider's account. Throws an Error that says what to set; a base URL alone may need no key. */
export function accountKey(
  key: string | undefined,
  account: { readonly backend: string; readonly variable: string; readonly base_url: string | undefined },
): string | undefined {
  if (key !== undefined || account.base_url !== undefined) return key;
  throw new Error(
    `MODEL_BACKENDS names ${account.backend}, which needs a key: set ${account.variable}, or take ${account.backend} out.`,
  );
}

/** Settings and discovery of a provider that has one address and takes one key. `prefix` begins its variables. */
export function account<const P extends string>(
  prefix: P,
  provider: { readonly name: string; readonly base_url: string; readonly lists: ModelLists },
) {
  const { name, base_url, lists } = provider;
  const url = `${prefix}_BASE_URL` as const;
  const key = `${prefix}_API_KEY` as const;
  const at = {
    schema: z.url().optional(),
    meaning: `Base URL of ${name} instead of ${base_url}.`,
    operator: true,
  } as const;
  const secret = {
    schema: z.string().min(1).optional(),
    meaning: `Key of an account at ${name}.`,
    secret: { object: 'mcp-model-keys', key: key.toLowerCase(), made: { by: 'operator' } },
  } as const;
  return {
    settings: { [url]: at, [key]: secret } as Readonly<
      Record<typeof url, typeof at> & Record<typeof key, typeof secret>
    >,
    discovery: {
      servers: [],
      list: lists.path,
      answer: lists.answer,
      path: '',
      accounts: [{ name, key_variable: key, base_url, base_url_variable: url }],
      gives: { variable: url, as: 'url' as const },
      named_by: [url],
    },
  };
}

interface ModelLists {
  readonly path: string;
  readonly answer: z.ZodType<string[]>;
}
