import fc from 'fast-check';
import { expect, it } from 'vitest';
import { connectionsPerReplica } from '../database.ts';
import { type Stack, services, stacks } from '../index.ts';
import { defineStack } from '../schema.ts';

const prod = stacks.prod as Stack;
const withBudget = (database_connections: number) => ({
  ...prod,
  kubernetes: { ...prod.kubernetes, database_connections },
});

it('all pods of core together never have more connections than the database', () => {
  const { scaling } = services.core;
  const pods = 2 * (scaling.on === 'cpu' ? scaling.max : 1) * prod.regions.length;
  fc.assert(
    fc.property(fc.integer({ min: 2 * pods, max: 5000 }), (budget) => {
      const each = connectionsPerReplica(withBudget(budget));
      expect(each).toBeGreaterThanOrEqual(2);
      expect(each * pods).toBeLessThanOrEqual(budget);
      expect((each + 1) * pods).toBeGreaterThan(budget);
    }),
  );
  expect(() => defineStack(withBudget(2 * pods - 1))).toThrow(
    new RegExp(`database_connections: is ${2 * pods - 1}, but up to ${pods} pods of core need 2 each`),
  );
});

it('every stack that is shipped with PostgreSQL fits its default of 100', () => {
  for (const stack of Object.values(stacks))
    if (stack.kubernetes.database === 'external')
      expect(connectionsPerReplica(stack)).toBeGreaterThanOrEqual(2);
});
