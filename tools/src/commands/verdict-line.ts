import type { ChainVerdict } from '@mcp/contracts';
import { printable } from '../errors.ts';
import { paint } from '../ui.ts';

/** A verdict on a log, as a line of the terminal. */
export function verdictLine(verdict: ChainVerdict): string {
  const one = shown(verdict);
  switch (one.status) {
    case 'ok':
      return `${paint('green', '✓')} ${one.id}: ${one.records} records, head ${one.head ?? ''}${keyOf(one)}${placeOf(one)}`;
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

/** The same; what comes out of the log is no command to the terminal. */
function shown(verdict: ChainVerdict): ChainVerdict {
  const { id, reason } = verdict;
  return { ...verdict, id: printable(id), reason: reason === null ? null : printable(reason) };
}

function keyOf({ key_id }: ChainVerdict): string {
  return key_id === undefined ? '' : `, signed by ${key_id.slice(0, 16)}`;
}

function placeOf({ transparency }: ChainVerdict): string {
  if (transparency === undefined) return '';
  const { origin, index, size, witnesses } = transparency;
  const seen = witnesses.length === 0 ? 'not witnessed' : `witnessed by ${witnesses.join(', ')}`;
  return printable(`\n  in the transparency log ${origin}: entry ${index} of ${size}, ${seen}`);
}
