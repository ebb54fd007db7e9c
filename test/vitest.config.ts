import { defineConfig } from 'vitest/config';

// Tests import the built packages by name (pnpm links them), so what is tested is what is published.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
