/** An anchor as somebody names it who has only been given it: a folder or bucket of anchors, that of one log, or one checkpoint. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeVerifier, type Verifier } from '@mcp/provenance/tlog';
import { type Anchor, anchorOn, type Form, folderOf } from './anchor.ts';
import { folderShelf, textAt } from './file.ts';
import { noteIn, RECEIPTS_ENDING } from './rekor.ts';
import type { Shelf } from './shelf.ts';

interface PlaceOptions {
  /** The log's name. */
  readonly origin: string;
  /** Keys of Rekor that count for receipts; undefined: those that the receipts bring, which shows that they fit in themselves. */
  readonly rekor_keys: readonly Verifier[] | undefined;
}

/** Opens it to be read: checkpoints, and receipts of Rekor with theirs. Throws where there is nothing. */
export async function openPlace(place: string, { origin, rekor_keys }: PlaceOptions): Promise<Anchor> {
  const decode = (text: string) => noteIn(text, (brought) => rekor_keys ?? brought.map(decodeVerifier));
  const receipts: Form = { ending: RECEIPTS_ENDING, decode, encode: () => readOnly(place) };
  const of = (shelf: Shelf) => both(anchorOn(shelf), anchorOn(shelf, receipts));
  if (place.startsWith('s3://')) {
    const { s3Shelf } = await import('./s3.ts');
    const at = (folder: string) => s3Shelf({ url: place, key: undefined, retain_days: undefined }, folder);
    const own = at(folderOf(origin));
    return of((await own.list()).length > 0 ? own : at(''));
  }
  if (!(await stat(place)).isDirectory()) return oneFile(place, decode);
  const folder = folderOf(origin);
  const inIt = await stat(join(place, folder)).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return of(folderShelf(place, inIt ? folder : '.'));
}

function both(notes: Anchor, receipts: Anchor): Anchor {
  return {
    ...notes,
    keep: () => readOnly(notes.place),
    async list() {
      const all = [...(await notes.list()), ...(await receipts.list())];
      return all.sort((a, b) => a.size - b.size);
    },
    read: (name) => (name.endsWith(RECEIPTS_ENDING) ? receipts : notes).read(name),
  };
}

/** A checkpoint or receipt alone, under whatever name. */
function oneFile(path: string, decode: Form['decode']): Anchor {
  return {
    place: path,
    keep: () => readOnly(path),
    list: async () => [{ name: basename(path), size: 0 }],
    async read() {
      const text = await textAt(path);
      return text?.startsWith('{') === true ? decode(text) : text;
    },
    close: () => undefined,
  };
}

function readOnly(place: string): Promise<never> {
  return Promise.reject(new Error(`${place} was opened to be read: nothing is kept there.`));
}
