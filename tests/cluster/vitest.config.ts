import { defineConfig } from 'vitest/config';

/** `npm run test:cluster`: global-setup.ts says how the tests share what is deployed. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['*.test.ts'],
    exclude: ['prod.test.ts'],
    globalSetup: ['./global-setup.ts'],
    // They wait for the cluster more than they compute.
    maxWorkers: 5,
    testTimeout: 300_000,
    // Waiting for a region that another file has is a hook.
    hookTimeout: 600_000,
    reporters: ['verbose'],
  },
});
