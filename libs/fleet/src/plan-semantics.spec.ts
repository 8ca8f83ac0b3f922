import { describe, expect, it } from '@jest/globals';
import { freeze, gates, problems, strategy, window, written } from './testing/written-plan.js';

describe('a plan that cannot be meant', () => {
  it.each<[string, unknown, string, string, RegExp]>([
    [
      'waves that shrink',
      strategy({ waves: ['5%', '50%', '25%', '100%'] }),
      '/spec/strategy/waves',
      'waves_not_increasing',
      /^wave 3 \(25 %\) is smaller than wave 2 \(50 %\)$/,
    ],
    [
      'a wave twice',
      strategy({ waves: ['5%', '5%', '100%'] }),
      '/spec/strategy/waves',
      'waves_not_increasing',
      /it would be empty/,
    ],
    [
      'waves that leave clusters out',
      strategy({ waves: ['5%', '50%'] }),
      '/spec/strategy/waves',
      'waves_not_complete',
      /the last is wave 2 \(50 %\)/,
    ],
    ['a wave of nobody', strategy({ waves: ['0%', '100%'] }), '/spec/strategy/waves', 'waves_out_of_range', /wave 1/],
    [
      'a wave of more than all',
      strategy({ waves: ['5%', '120%'] }),
      '/spec/strategy/waves',
      'waves_out_of_range',
      /wave 2/,
    ],
    [
      'no slots',
      strategy({ maxInFlight: 0 }),
      '/spec/strategy/maxInFlight',
      'max_in_flight_zero',
      /is 0; write at least 1/,
    ],
    ['no share of slots', strategy({ maxInFlight: '0%' }), '/spec/strategy/maxInFlight', 'max_in_flight_zero', /"0%"/],
    [
      'a negative number of slots',
      strategy({ maxInFlight: -1 }),
      '/spec/strategy/maxInFlight',
      'max_in_flight_zero',
      /-1/,
    ],
    [
      'more slots than all',
      strategy({ maxInFlight: '200%' }),
      '/spec/strategy/maxInFlight',
      'percentage_above_100',
      /100%/,
    ],
    [
      'a negative budget',
      strategy({ budget: { firstWave: -1 } }),
      '/spec/strategy/budget/firstWave',
      'budget_out_of_range',
      /failures tolerated/,
    ],
    [
      'a broken selector',
      written({ clusters: { selector: 'env in dev' } }),
      '/spec/clusters/selector',
      'selector_invalid',
      /position 8/,
    ],
    [
      'a broken ring',
      strategy({ rings: ['env=dev', 'env='.concat('-')] }),
      '/spec/strategy/rings/1',
      'selector_invalid',
      /rings\[1\]/,
    ],
    [
      'a soak for nobody knows whom',
      gates({ soak: { default: '1h', 'env in': '2h' } }),
      '/spec/gates/soak/env in',
      'selector_invalid',
      /soak\["env in"\]/,
    ],
    ['an empty soak key', gates({ soak: { '': '2h' } }), '/spec/gates/soak/', 'selector_invalid', /"default"/],
    [
      'a minor for a target',
      written({ target: { kubernetes: '1.35' } }),
      '/spec/target/kubernetes',
      'version_unreadable',
      /with its patch, such as 1\.35\.4/,
    ],
    [
      'a via beyond the target',
      written({ target: { kubernetes: '1.35.4', via: { '1.35': '1.35.1' } } }),
      '/spec/target/via/1.35',
      'via_not_below_target',
      /1\.35 is not below/,
    ],
    [
      'a via of another minor',
      written({ target: { kubernetes: '1.35.4', via: { '1.34': '1.33.4' } } }),
      '/spec/target/via/1.34',
      'via_wrong_minor',
      /write a patch of 1\.34/,
    ],
    [
      'a via that is no version',
      written({ target: { kubernetes: '1.35.4', via: { '1.34': 'latest' } } }),
      '/spec/target/via/1.34',
      'via_unreadable',
      /"latest"/,
    ],
    [
      'an approval after the last wave',
      gates({ approvals: [{ beforeWave: 5 }] }),
      '/spec/gates/approvals/0/beforeWave',
      'approval_beyond_waves',
      /the plan has 4 waves/,
    ],
    [
      'an approval twice',
      gates({ approvals: [{ beforeWave: 2 }, { beforeWave: 2 }] }),
      '/spec/gates/approvals/1/beforeWave',
      'approval_duplicate',
      /asked for twice/,
    ],
    [
      'a rule nobody knows',
      window({ rrule: 'every Monday' }),
      '/spec/gates/windows/0/rrule',
      'window_rule_invalid',
      /"every Monday" is not a part/,
    ],
    [
      'a time zone nobody knows',
      window({ timeZone: 'Berlin' }),
      '/spec/gates/windows/0/timeZone',
      'time_zone_unknown',
      /Europe\/Berlin/,
    ],
    [
      'a window of no time',
      window({ duration: '0h' }),
      '/spec/gates/windows/0/duration',
      'window_without_duration',
      /6h/,
    ],
    [
      'a freeze without offset',
      freeze('2027-12-20', '2028-01-03T00:00:00Z'),
      '/spec/gates/freezes/0/from',
      'freeze_instant_invalid',
      /with its offset/,
    ],
    [
      'a freeze that ends before it begins',
      freeze('2028-01-03T00:00:00Z', '2027-12-20T00:00:00Z'),
      '/spec/gates/freezes/0/until',
      'freeze_empty',
      /not after/,
    ],
    [
      'a name excluded twice',
      written({ clusters: { exclude: ['a', 'b', 'a'] } }),
      '/spec/clusters/exclude/2',
      'exclude_duplicate',
      /"a" is excluded twice/,
    ],
    ['drains that never evict', written({ drain: { pace: '0/s' } }), '/spec/drain/pace', 'pace_zero', /5\/s/],
    [
      'no node at a time',
      written({ drain: { maxUnavailable: '0%' } }),
      '/spec/drain/maxUnavailable',
      'max_unavailable_zero',
      /"0%"/,
    ],
    ['no time to start', written({ startWithin: '0s' }), '/spec/startWithin', 'duration_zero', /above nothing/],
    [
      'a budget that takes back what nothing may',
      written({ rollback: { onBudget: 'wave', automatic: { upTo: 'none' } } }),
      '/spec/rollback/onBudget',
      'rollback_without_rung',
      /automatic\.upTo is "none": nothing could go back/,
    ],
    [
      'a soak longer than the judging',
      written({ verdict: { minSoak: '1h', window: '30m' } }),
      '/spec/verdict/minSoak',
      'verdict_window_too_short',
      /nothing could ever be promoted/,
    ],
    [
      'a window of more periods than a verdict keeps',
      written({ verdict: { window: '2d', period: '1m' } }),
      '/spec/verdict/window',
      'verdict_window_too_long',
      /is 2d, which is 2880 periods of 1m; a verdict keeps 1440: write a window of 24h or less, or a period of 120s/,
    ],
  ])('%s → refused with field, value and what would be right', (_, input, pointer, code, detail) => {
    expect(problems(input)).toEqual([
      expect.objectContaining({ pointer, code, detail: expect.stringMatching(detail) }),
    ]);
  });

  it('a label that no cluster has → refused, with the one that was probably meant', () => {
    const known = { knownLabelKeys: ['env', 'team'] };
    expect(problems(written({ clusters: { selector: 'evn=prod' } }), known)).toEqual([
      {
        pointer: '/spec/clusters/selector',
        code: 'label_key_unknown',
        detail: 'spec.clusters.selector asks for the label "evn", which no cluster has; did you mean "env"?',
      },
    ]);
    expect(problems(strategy({ spreadBy: ['region', 'version'] }), known)).toMatchObject([
      { pointer: '/spec/strategy/spreadBy/0', code: 'label_key_unknown' },
    ]);
    expect(problems(gates({ soak: { 'tier=gold': '1h' } }), known)).toMatchObject([{ code: 'label_key_unknown' }]);
  });
});
