import { expect, it } from 'vitest';
import { isFresh } from '../programs/objects.ts';

it('the table of objects in docs/ is what the program makes (else: node infra/programs/objects.ts)', async () => {
  expect(await isFresh()).toBe(true);
});
