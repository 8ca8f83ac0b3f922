// One configuration for every tier: TIER picks the folders, so that each tier can be run by itself.
const folders = {
  unit: ['<rootDir>/libs/*/src/**/*.spec.ts', '<rootDir>/apps/*/src/**/*.spec.ts', '<rootDir>/test/house/**/*.spec.ts'],
  simulation: ['<rootDir>/test/simulation/**/*.spec.ts'],
  integration: ['<rootDir>/test/integration/**/*.spec.ts'],
  kube: ['<rootDir>/test/kube/**/*.spec.ts'],
  lab: ['<rootDir>/test/lab/**/*.spec.ts'],
};
const tier = process.env.TIER ?? 'unit';
if (!folders[tier]) throw new Error(`TIER=${tier} is not a tier; use one of ${Object.keys(folders).join(', ')}`);
const slow = tier !== 'unit';

export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testMatch: folders[tier],
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/(libs|apps)/[^/]+/dist/', '<rootDir>/.tools/', '<rootDir>/.nx/'],
  // Tests run the sources: no build step stands between an edit and its test.
  moduleNameMapper: {
    '^@wavegate/runtime/(hub|agent)$': '<rootDir>/libs/runtime/src/$1/index.ts',
    '^@wavegate/(fleet|rollout|upgrade|analysis|protocol|storage|kube|simulator)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: { integration: 300_000, kube: 600_000, lab: 1_500_000 }[tier] ?? (slow ? 120_000 : 10_000),
  // A lab is a whole machine's worth of nodes: one at a time. Real clusters wait far more than they compute, and each has ports and folders of its own.
  maxWorkers: tier === 'lab' ? 1 : 2,
};
