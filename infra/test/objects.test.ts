import { expect, it } from 'vitest';
import { isFresh } from '../objects.ts';

it('the table of objects in docs/ is what the program makes (else: node infra/objects.ts)', async () => {
  expect(await isFresh()).toBe(true);
});
