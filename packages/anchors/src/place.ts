/** An anchor as somebody names it who has only been given it: a folder or bucket of anchors, that of one log, or one checkpoint. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Anchor, folderOf, notesOn } from './anchor.ts';
import { folderShelf, textAt } from './file.ts';

/** Opens it to be read. Throws where there is nothing. */
export async function openPlace(place: string, origin: string): Promise<Anchor> {
  if (place.startsWith('s3://')) {
    const { s3Shelf } = await import('./s3.ts');
    const at = (folder: string) => s3Shelf({ url: place, key: undefined, retain_days: undefined }, folder);
    const own = at(folderOf(origin));
    return notesOn((await own.list()).length > 0 ? own : at(''));
  }
  if (!(await stat(place)).isDirectory()) return oneFile(place);
  const folder = folderOf(origin);
  const inIt = await stat(join(place, folder)).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return notesOn(inIt ? folderShelf(place, folder) : folderShelf(place, '.'));
}

/** A checkpoint alone, under whatever name. */
function oneFile(path: string): Anchor {
  return {
    place: path,
    keep: () => Promise.reject(new Error(`${path} is a file: checkpoints are kept in a folder.`)),
    list: async () => [{ name: basename(path), size: 0 }],
    read: () => textAt(path),
    close: () => undefined,
  };
}
