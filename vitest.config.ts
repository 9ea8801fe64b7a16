import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{packages,apps}/*/test/**/*.test.ts',
      '{dependencies,stacks,tools,infra,policies}/test/**/*.test.ts',
      'tools/*.test.ts',
      'tests/e2e/**/*.test.ts',
    ],
    setupFiles: ['tests/seed.ts'],
    pool: 'forks',
    // node:sqlite works and still warns of itself.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
