export * from './judge-input.js';
export * from './judge-wave.js';
export * from './judge.js';
