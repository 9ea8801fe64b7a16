import { createHash } from 'node:crypto';
import { assetTable } from '@mcp/assets';
import type { ServicePlacement, Stack } from '@mcp/stacks';
import { services, servicesOf } from '@mcp/stacks';

/** Where the weights lie in an image: `assets/<asset>/<file>` below it. */
export const MODELS_DIR = '/models';

/** The image of a stack's weights: data only, what the images of services with models are built upon. */
export interface Weights {
  /** `<repository>/weights:<tag>`; the tag is made of the checksums, so that other weights are another image. */
  readonly reference: string;
  /** Assets in it, sorted. */
  readonly assets: readonly string[];
}

/** Undefined where the stack embeds no model. Throws RangeError on an asset that the table does not have. */
export function weightsOf({ models, kubernetes }: Pick<Stack, 'models' | 'kubernetes'>): Weights | undefined {
  const embedded = models.filter(({ backend }) => backend === 'embedded');
  const assets = [...new Set(embedded.map(({ asset, id }) => asset ?? id))].sort();
  if (assets.length === 0) return undefined;
  const sums = assets.flatMap((id) => {
    const row = assetTable.find((one) => one.id === id);
    if (row === undefined) throw new RangeError(`There is no asset '${id}' in packages/assets/src/table.ts.`);
    return row.files.map(({ name, sha256 }) => `${id}/${name} ${sha256}`);
  });
  const tag = createHash('sha256').update(sums.join('\n')).digest('hex').slice(0, 12);
  return { reference: `${kubernetes.images.repository}/weights:${tag}`, assets };
}

/** What the Dockerfile is told for a placed service: itself, what is beside it, and the weights it is built upon. */
export function buildArgumentsOf(stack: Stack, placement: ServicePlacement): Record<string, string> {
  const weights = servicesOf(placement).some((name) => services[name].weights) ? weightsOf(stack) : undefined;
  return {
    SERVICE: placement.service,
    ...(placement.in_process.length === 0 ? {} : { IN_PROCESS: placement.in_process.join(' ') }),
    ...(weights === undefined ? {} : { WEIGHTS: weights.reference }),
  };
}
