import { PII_BUCKET, vaultKey } from '@mcp/safety/privacy';
import type { CoreKit } from '../kit.ts';

/** Removes what the gateways keep of the personal data of an erased conversation: the values behind its names. */
export class PiiEraser {
  readonly #kit: Pick<CoreKit, 'bus' | 'log'>;

  constructor(kit: Pick<CoreKit, 'bus' | 'log'>) {
    this.#kit = kit;
  }

  /** False: the bus cannot be asked just now. */
  async erase({ id, owner }: { readonly id: string; readonly owner: string }): Promise<boolean> {
    try {
      const bus = await this.#kit.bus();
      await bus.remove(PII_BUCKET, vaultKey({ owner, conversation_id: id }));
      return true;
    } catch (err) {
      this.#kit.log.warn(
        { err, conversation_id: id },
        'values of an erased conversation are still on the event bus',
      );
      return false;
    }
  }
}
