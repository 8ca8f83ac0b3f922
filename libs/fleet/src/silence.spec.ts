import { describe, expect, it } from '@jest/globals';
import { readPlan } from './plan-problems.js';
import { silenceMatchers } from './silence.js';

const shown = (
  match: Record<string, string>,
  { cluster = {}, blocking = [] }: { cluster?: Record<string, string>; blocking?: Record<string, string>[] } = {},
) =>
  silenceMatchers({ match }, { node: 'w-3', cluster, blocking }).map(
    ({ name, value, isEqual }) => `${name}${isEqual ? '=' : '!='}${value}`,
  );

function problems(silences: unknown, alerts: unknown = []): string[] {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: '1.35.4' }, verdict: { silences, alerts } } });
  return 'problems' in read ? read.problems.map(({ code }) => code) : [];
}

describe('silences of the node under work', () => {
  it('the labels of the plan, the node in them, and the labels of the cluster → equal values, sorted', () => {
    expect(shown({ node: '$node', severity: 'warning' }, { cluster: { cluster: 'prd' } })).toEqual([
      'cluster=prd',
      'node=w-3',
      'severity=warning',
    ]);
    expect(shown({ instance: '$node:9100' })).toEqual(['instance=w-3:9100']);
  });

  it('blocking alerts that the silence could catch → kept out by a label of theirs; those of another value → nothing to keep out', () => {
    expect(shown({ node: '$node' }, { blocking: [{ severity: 'critical', team: 'shop' }] })).toEqual([
      'node=w-3',
      'severity!=critical',
    ]);
    expect(shown({ node: '$node', severity: 'warning' }, { blocking: [{ severity: 'critical' }] })).toEqual([
      'node=w-3',
      'severity=warning',
    ]);
    expect(
      shown({ node: '$node', severity: 'critical' }, { blocking: [{ severity: 'critical', team: 'shop' }] }),
    ).toEqual(['node=w-3', 'severity=critical', 'team!=shop']);
  });

  it('the name of a node that has the signs of a pattern, or of a label of the admin → it stays a value, and the node stays', () => {
    const made = silenceMatchers({ match: { node: '$node' } }, { node: 'w.*', cluster: { node: 'x' }, blocking: [] });
    expect(made).toEqual([
      { name: 'node', value: 'w.*', isEqual: true, isRegex: false },
      { name: 'node', value: 'x', isEqual: true, isRegex: false },
    ]);
  });

  it('a plan without silences → none; one that names no node, or hides what blocks → refused with what would be right', () => {
    expect(problems(undefined)).toEqual([]);
    expect(problems([{ match: { node: '$node' } }], [{ match: { severity: 'critical' } }])).toEqual([]);
    expect(problems([{ match: { severity: 'warning' } }])).toEqual(['silence_without_node']);
    expect(problems([{ match: {} }])).toEqual(['silence_without_node']);
    expect(problems([{ match: { 'a-b': '$node' } }])).toEqual(['label_name_invalid']);
    const both = [{ match: { severity: 'critical' } }];
    expect(problems([{ match: { node: '$node', severity: 'critical' } }], both)).toEqual([
      'silence_hides_blocking_alerts',
    ]);
  });
});
