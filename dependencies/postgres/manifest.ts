import { type Dependency, defineDependency } from '@mcp/contracts';

const manifest = defineDependency({
  name: 'postgres',
  summary:
    'Store of the conversations, where core has more than one replica; without it, SQLite on a volume.',
  presence: 'optional',
  ports: [{ name: 'sql', number: 5432, from: ['users'] }],
  // Its URL, with the password, is what core reads.
  secrets: [{ for: 'itself', object: 'mcp-database', key: 'url', made: 'operator' }],
});

/** Run by somebody else: it has a backup, and an owner who upgrades it. Tests run a real one (`packages/testkit`). */
export const postgres: Dependency = { manifest, start: () => ({ files: {}, args: [], env: [] }) };
