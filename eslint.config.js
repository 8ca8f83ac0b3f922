import tseslint from 'typescript-eslint';
import { fences, wavegate } from './scripts/lint/fences.mjs';

const sizes = (maxLines) => ({
  'max-lines': ['error', { max: maxLines }],
  'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
  // An exhaustive switch over a closed set is one decision, not one per word.
  complexity: ['error', { max: 10, variant: 'modified' }],
  'max-depth': ['error', 3],
});

export default [
  {
    ignores: [
      '**/dist/**',
      '**/gen/**',
      '**/node_modules/**',
      '.tools/**',
      '.build/**',
      '.nx/**',
      '.wavegate/**',
      'coverage/**',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ['**/*.ts'] })),
  ...fences,
  {
    name: 'wavegate/typescript',
    files: ['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts', 'test/**/*.ts'],
    languageOptions: {
      parserOptions: {
        project: './tsconfig.check.json',
        tsconfigRootDir: import.meta.dirname,
        // With these two the rule below leaves the constructor types of decorated classes alone: Nest reads them at run time.
        emitDecoratorMetadata: true,
        experimentalDecorators: true,
      },
    },
    rules: {
      ...sizes(500),
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
    },
  },
  {
    name: 'wavegate/core',
    files: ['libs/{fleet,rollout,upgrade,analysis,runtime}/src/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 400 }] },
  },
  {
    // A `describe` is one long function by nature, and a test world branches as the world does.
    name: 'wavegate/tests',
    files: ['**/*.spec.ts', 'test/**/*.ts', '**/testing/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', complexity: 'off', 'wavegate/parameters': 'off' },
  },
  {
    name: 'wavegate/scripts',
    files: ['**/*.mjs', '*.js'],
    plugins: { wavegate },
    rules: {
      ...sizes(300),
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      'no-undef': 'off',
      'wavegate/file-name': 'error',
      'wavegate/parameters': 'error',
      'wavegate/reasoned-disable': 'error',
    },
  },
];
