export * from './agent.js';
export { CancelSource } from './cancel-source.js';
export { TwinAgent } from './journal-keeper.js';
export * from './ports.js';
export { Turnstile } from '../turnstile.js';
