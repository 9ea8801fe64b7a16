/** Every kind of anchor. A new one: its file here, its row of `AnchorSettings`, its case. */
import { type Anchor, folderOf, notesOn } from './anchor.ts';
import { folderShelf } from './file.ts';
import type { AnchorSettings } from './settings.ts';

/** Opens the anchor of a log, by the log's name. */
export async function openAnchor(settings: AnchorSettings, origin: string): Promise<Anchor> {
  const folder = folderOf(origin);
  switch (settings.kind) {
    case 'file':
      return notesOn(folderShelf(settings.folder, folder));
    default:
      return settings.kind satisfies never;
  }
}
