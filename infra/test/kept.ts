import { canonicalQuantity } from '../kit/kept.ts';

/** Kinds whose lists and objects the API server keeps even where they are empty: they mean something there. */
const MEANT_EMPTY: Readonly<Record<string, readonly RegExp[]>> = {
  // All pods, and none.
  NetworkPolicy: [/(^|\.)podSelector$/, /(^|\.)namespaceSelector$/],
};
/** An empty volume is one of its kind. */
const EMPTY_VOLUME = /\.volumes\[\d+\]\.emptyDir$/;
/** Where the API server writes quantities its own way. */
const QUANTITY = /\.(requests|limits|capacity|hard|max|min|default|defaultRequest)\.[\w./-]+$|\.sizeLimit$/;

/**
 * What of an object the API server would not give back as it was written: a difference in every later preview. Known
 * classes only, without a cluster; `tests/cluster` asks a real API server about every object.
 */
export function notKept(object: { readonly kind: string }): string[] {
  const meant = MEANT_EMPTY[object.kind] ?? [];
  const faults: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (value === null || value === undefined) faults.push(`${path} is ${value}`);
    else if (typeof value === 'object') {
      const entries = Object.entries(value);
      if (entries.length === 0 && !EMPTY_VOLUME.test(path) && !meant.some((one) => one.test(path)))
        faults.push(`${path} is empty`);
      for (const [key, one] of entries)
        visit(one, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
    } else if (QUANTITY.test(path) && String(value) !== canonicalQuantity(String(value)))
      faults.push(`${path} is ${value}, which is kept as ${canonicalQuantity(String(value))}`);
  };
  visit(object, object.kind);
  return faults;
}
