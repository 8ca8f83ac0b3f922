import type { Finding } from '@wavegate/fleet';
import type { z } from 'zod';
import type { FindingShape } from './shapes.js';

/** A finding as people read it: the same words, in lists of their own. */
export function toFindingView({ pods, ...finding }: Finding): z.infer<typeof FindingShape> {
  return { ...finding, ...(pods ? { pods: [...pods] } : {}) };
}
