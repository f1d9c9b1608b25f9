import { join } from 'node:path';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { Response } from 'miniflare';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const env = {
  /** Tools that tests start are compiled once, not each time. */
  NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compile'),
  /** No test needs a machine's own authorities; Miniflare would hand a hundred of them to every runtime it starts. */
  NODE_EXTRA_CA_CERTS: '',
};

/** Tests of the built Worker, in the folder of that name. */
const overHttp = (name: string): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    env,
    isolate: false,
    globalSetup: './test/e2e/build.ts',
    // Whoever shares the CI machine may take the time that a volley or a wait has.
    retry: process.env.CI === undefined ? 0 : 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default defineConfig({
  test: {
    // Most files wait more than they compute; two cores are busy with three of them.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          env,
          // A process that runs file after file need not load the same modules again and again.
          isolate: false,
          testTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            // These tests have no network: whoever is asked for keys fails.
            miniflare: { outboundService: () => new Response(null, { status: 503 }) },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          // A runtime for all files: each test asks objects of its own.
          isolate: false,
          testTimeout: 120_000,
        },
      },
      overHttp('e2e'),
      // Against browsers and servers that a machine may lack: `npm run test:foreign`.
      overHttp('foreign'),
    ],
  },
});
