import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';
import { DATA_DIR, PLATFORM_URL, REAL_MODELS, SCRIPTED_MODELS } from './tests/browser/platform.ts';

/** A system Chromium: browsers are not downloaded. */
function chromium(): string {
  const places = [
    process.env.MCP_CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  const found = places.find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'No Chromium was found. Install one (Debian, Ubuntu: apt-get install chromium) or set MCP_CHROMIUM to its path.',
  );
}

const { port } = new URL(PLATFORM_URL);
const models = REAL_MODELS ?? 'scripted';

/** The console in a real browser, against a platform of its own; MCP_BROWSER_URL names one that already runs. */
export default defineConfig({
  testDir: 'tests/browser',
  outputDir: 'test-results/browser',
  forbidOnly: true,
  fullyParallel: false,
  workers: 1,
  timeout: REAL_MODELS === undefined ? 120_000 : 300_000,
  expect: { timeout: REAL_MODELS === undefined ? 30_000 : 120_000 },
  reporter: [['list']],
  use: {
    ...devices['Desktop Chrome'],
    baseURL: PLATFORM_URL,
    viewport: { width: 1280, height: 860 },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  ...(process.env.MCP_BROWSER_URL === undefined
    ? {
        webServer: {
          command: `${JSON.stringify(process.execPath)} tools/src/main.ts start --models ${models} --port ${port} --data ${JSON.stringify(DATA_DIR)}`,
          url: `${PLATFORM_URL}/readyz`,
          timeout: REAL_MODELS === undefined ? 60_000 : 600_000,
          gracefulShutdown: { signal: 'SIGTERM' as const, timeout: 10_000 },
          env: { MCP_SCRIPTED_MODELS: JSON.stringify(SCRIPTED_MODELS) },
        },
      }
    : {}),
});
