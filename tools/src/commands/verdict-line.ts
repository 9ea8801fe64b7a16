import type { ChainVerdict } from '@mcp/contracts';
import { paint } from '../ui.ts';

/** A verdict on a log, as a line of the terminal. */
export function verdictLine(one: ChainVerdict): string {
  switch (one.status) {
    case 'ok':
      return `${paint('green', '✓')} ${one.id}: ${one.records} records, head ${one.head ?? ''}${placeOf(one)}`;
    case 'erased':
      return `${paint('green', '✓')} ${one.id}: ${one.reason ?? 'erased'}${placeOf(one)}`;
    case 'unconfirmed':
      return `${paint('yellow', '?')} ${one.id}: ${one.reason ?? 'not confirmed'}`;
    case 'broken':
      return `${paint('red', '✗')} ${one.id}: ${one.reason ?? 'broken'}${one.broken_at === null ? '' : ` (record ${one.broken_at})`}`;
    default:
      return one.status satisfies never;
  }
}

function placeOf({ transparency }: ChainVerdict): string {
  if (transparency === undefined) return '';
  const { origin, index, size, witnesses } = transparency;
  const seen = witnesses.length === 0 ? 'not witnessed' : `witnessed by ${witnesses.join(', ')}`;
  return `\n  in the transparency log ${origin}: entry ${index} of ${size}, ${seen}`;
}
