import { type CallContext, PlatformError, type TransparencyLogApi } from '@mcp/contracts';
import { bundlePath, decodeBundle, TILE_WIDTH } from './tlog/index.ts';

/** The entries from `index` * 256 on, `width` of them, as the log gives them. Throws `unavailable` where it cannot be asked. */
export async function readBundle(
  log: Pick<TransparencyLogApi, 'tile'>,
  { index, width }: { readonly index: number; readonly width: number },
  call: CallContext,
): Promise<Buffer[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log.tile({ path: bundlePath(index, width) }, call)) chunks.push(chunk);
  try {
    return decodeBundle(Buffer.concat(chunks), width);
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      `The transparency log gave its entries from ${index * TILE_WIDTH} on in a form that cannot be read.`,
      { cause },
    );
  }
}
