import { defineConfig } from 'vitest/config';

/** `npm run test:cluster:prod`: the stack prod, which needs a whole cluster of two cores for itself. */
export default defineConfig({
  root: import.meta.dirname,
  test: { include: ['prod.test.ts'], testTimeout: 500_000, hookTimeout: 600_000, reporters: ['verbose'] },
});
