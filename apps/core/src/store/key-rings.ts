/** The key ring in the database that replicas share: its private keys encrypted under PROV_SECRET, which the database has not. */
import { hkdfSync } from 'node:crypto';
import { PlatformError } from '@mcp/contracts';
import { KeyRing, type KeyRingStore } from '@mcp/provenance';
import { decrypt, encrypt } from '@mcp/service-kit';
import type { OpenDatabase } from './open.ts';

/** The one row of `key_rings`. */
const ROW = 1;

/** `secrets`: the first encrypts, each may decrypt. */
export function keyRings({ db }: OpenDatabase, secrets: readonly string[]): KeyRingStore {
  return {
    async read() {
      const row = await db.selectFrom('key_rings').selectAll().where('id', '=', ROW).executeTakeFirst();
      if (row === undefined) return undefined;
      return KeyRing.parse({
        revision: row.revision,
        history: JSON.parse(row.history),
        private_keys: JSON.parse(decrypted(row.private_keys, row.revision, secrets)),
      });
    },
    async replace({ revision, history, private_keys }) {
      const row = {
        revision,
        history: JSON.stringify(history),
        private_keys: encrypted(JSON.stringify(private_keys), revision, secrets[0] ?? ''),
      };
      if (revision === 1) {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('key_rings')
          .values({ id: ROW, ...row })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }
      const { numUpdatedRows } = await db
        .updateTable('key_rings')
        .set(row)
        .where('id', '=', ROW)
        .where('revision', '=', revision - 1)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'mcp key ring', 32));
}

/** Bound to the revision: the private keys of one are not those of another. */
function encrypted(text: string, revision: number, secret: string): string {
  return encrypt(keyOf(secret), Buffer.from(text), `${revision}`);
}

function decrypted(value: string, revision: number, secrets: readonly string[]): string {
  for (const secret of secrets) {
    const text = decrypt(keyOf(secret), value, `${revision}`);
    if (text !== undefined) return text.toString();
  }
  throw new PlatformError(
    'unavailable',
    'The key ring in the database cannot be decrypted: it was encrypted under another PROV_SECRET, or changed. Give that secret in PROV_SECRETS_ACCEPTED.',
  );
}
