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
    // No test says how fast something is: on a busy machine all of it may take its time.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
