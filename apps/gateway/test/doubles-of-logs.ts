/** What the double of the core answers about logs: their checks, lineage, keys and retention. */
import { type CoreApi, PlatformError, Retention } from '@mcp/contracts';

const checked = { checked: 0, unconfirmed: 0, complete: true, failures: [] };
export const checks = { checkLogs: async () => checked, sampleLogs: async () => checked };

export const lineages: Pick<CoreApi, 'lineage' | 'lineageAsProv'> = {
  lineage: async (conversation_id) => ({
    conversation_id,
    owner: 'key:1',
    version: 2,
    parents_known: true,
    nodes: [],
    edges: [],
    integrity: { ok: true, faults: [] },
  }),
  lineageAsProv: async (id) => ({
    prefix: { c: `urn:uuid:${id}#` },
    entity: {},
    activity: {},
    agent: {},
    used: {},
    wasGeneratedBy: {},
    wasDerivedFrom: {},
    wasAssociatedWith: {},
  }),
};

export const noKeys = (): Promise<never> =>
  Promise.reject(new PlatformError('unavailable', 'There are no keys here.'));

export const missing = (id: string) => new PlatformError('not_found', `There is no conversation ${id}.`);

type RetentionApi = Pick<
  CoreApi,
  | 'prune'
  | 'dueJobs'
  | 'retentionReport'
  | 'setLegalHold'
  | 'liftLegalHold'
  | 'listLegalHolds'
  | 'exportSubject'
  | 'eraseSubject'
>;

export function retention(): RetentionApi {
  return {
    prune: async () => ({ conversations: 0, records: 0, held: 0, complete: true }),
    dueJobs: async () => ({ due: [], held: 0 }),
    retentionReport: async () => ({ policy: Retention.parse({}), holds: 0, passes: [], statistics: [] }),
    setLegalHold: async () => {
      throw missing('hold');
    },
    liftLegalHold: async (id) => {
      throw missing(id);
    },
    listLegalHolds: async () => ({ holds: [], next_cursor: null }),
    exportSubject: async (owner) => ({ owner, conversations: [], next_cursor: null }),
    eraseSubject: async (owner) => ({ owner, erased: 0, complete: true }),
  };
}
