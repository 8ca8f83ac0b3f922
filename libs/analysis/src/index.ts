export type * from './judge-input.js';
