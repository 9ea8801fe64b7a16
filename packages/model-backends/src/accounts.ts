/** Accounts at providers: what a start that names one without its key is told. */

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
