import { describe, expect, it } from '@jest/globals';
import { toAnswer, type EvictionAnswer } from './eviction.js';
import { toKubeError } from '../kube-error.js';

/** As the client throws it: the code, the body that the server sent, its headers. */
function thrown(code: number, body: object, headers: Record<string, string> = {}): unknown {
  return Object.assign(new Error(`HTTP-Code: ${code}`), { code, body, headers });
}

const budget = (message: string) => ({
  kind: 'Status',
  reason: 'TooManyRequests',
  message: "Cannot evict pod as it would violate the pod's disruption budget.",
  details: { causes: [{ reason: 'DisruptionBudget', message }] },
});
const OTHER_POD =
  'Operation cannot be fulfilled on Pod "web-1": the UID in the precondition (1) does not match the UID in record (2). The object might have been deleted and then recreated';
const CHANGED =
  'Operation cannot be fulfilled on pods "web-1": the object has been modified; please apply your changes to the latest version and try again';
const SEVERAL = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';

// The exact answers of API servers 1.34 and 1.35, as they were seen.
describe('what the eviction API answers, and how it is read', () => {
  it.each<[string, unknown, Partial<EvictionAnswer>]>([
    [
      'a budget that is used up (429 without Retry-After) → blocked, the budget named',
      thrown(429, budget('The disruption budget p1 needs 3 healthy pods and has 3 currently')),
      { kind: 'blocked', pdb: 'p1', retryAfterMs: null },
    ],
    [
      'a budget that nobody has counted yet (429 with Retry-After) → blocked, not asked before that',
      thrown(429, budget('The disruption budget p1 is still being processed by the server.'), { 'retry-after': '10' }),
      { kind: 'blocked', pdb: 'p1', retryAfterMs: 10_000 },
    ],
    [
      'flow control (429 without a budget) → blocked, nobody named',
      thrown(429, { message: 'Too many requests, please try again later.' }, { 'retry-after': '1' }),
      { kind: 'blocked', pdb: '', retryAfterMs: 1_000 },
    ],
    [
      'a budget that too many ask at once (504) → blocked by it for a moment, and the server is not called silent',
      thrown(504, {
        reason: 'Timeout',
        message: 'Timeout: couldn\'t update PodDisruptionBudget "p1" due to conflicts',
      }),
      { kind: 'blocked', pdb: 'p1', retryAfterMs: null },
    ],
    [
      'two budgets on one pod (500 without a reason) → this pod fails for good',
      thrown(500, { kind: 'Status', message: SEVERAL }),
      { kind: 'failed', detail: `500 ${SEVERAL}` },
    ],
    [
      'an etcd election (500) → no answer, asked again',
      thrown(500, { message: 'etcdserver: leader changed' }),
      { kind: 'unanswered' },
    ],
    [
      'a proxy without a server (503) → no answer, asked again',
      thrown(503, { message: 'unavailable' }),
      { kind: 'unanswered' },
    ],
    [
      'a namespace that is being deleted (403 with its cause) → its controller removes the pod',
      thrown(403, {
        reason: 'Forbidden',
        details: { causes: [{ reason: 'NamespaceTerminating', message: 'is being terminated' }] },
      }),
      { kind: 'namespaceTerminating' },
    ],
    [
      'a right that is missing (403 without causes) → this pod fails',
      thrown(403, { message: 'pods "web-1" is forbidden' }),
      { kind: 'failed', detail: '403 pods "web-1" is forbidden' },
    ],
    ['a pod that is gone (404) → done', thrown(404, { reason: 'NotFound' }), { kind: 'gone' }],
    [
      'another pod under that name (409 by the UID) → done with the one we meant',
      thrown(409, { reason: 'Conflict', message: OTHER_POD }),
      { kind: 'gone' },
    ],
    [
      'the same in the words of the storage layer',
      thrown(409, { message: 'Precondition failed: UID in precondition: 1, UID in object meta: 2' }),
      { kind: 'gone' },
    ],
    [
      'somebody changed the pod in the same moment (409) → the pod is there, and asked for again after a pause',
      thrown(409, { reason: 'Conflict', message: CHANGED }),
      { kind: 'blocked', pdb: '', detail: `409 ${CHANGED}` },
    ],
    ['nobody at the address → no answer, asked again', new TypeError('fetch failed'), { kind: 'unanswered' }],
    [
      'no answer within the bound → no answer, whatever number the abort carries',
      new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
      { kind: 'unanswered' },
    ],
  ])('%s', (_title, error, answer) => {
    expect(toAnswer(toKubeError(error))).toMatchObject(answer);
  });

  it('a body that came as text → read all the same', () => {
    const text = JSON.stringify(budget('The disruption budget cart needs 2 healthy pods and has 2 currently'));
    const error = Object.assign(new Error('HTTP-Code: 429'), { code: 429, body: text, headers: {} });
    expect(toAnswer(toKubeError(error))).toMatchObject({ kind: 'blocked', pdb: 'cart' });
  });
});
