import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests import the built packages by name (pnpm links them), so what is tested is what is published.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // Only so that nothing hangs for ever: no test is about how fast the machine is, which may be slow and busy.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Of what is published, by the lines of its sources. What only runs in processes of its own (CGI scripts, the
    // wsgi command) is not seen from here, and so not counted; test/cgi and test/simple-server test it.
    coverage: {
      provider: 'v8',
      include: ['packages/*/dist/**/*.js'],
      exclude: [
        '**/cli/**',
        '**/cli.*',
        '**/handlers/{cgi,cgi-streams,read-environ}.*',
        '**/length-source.*',
      ],
      allowExternal: true,
      reporter: ['text', 'html'],
      reportsDirectory: join(import.meta.dirname, '../coverage'),
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
