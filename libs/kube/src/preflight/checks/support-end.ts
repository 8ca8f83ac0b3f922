import { minorOf, parseVersion, SUPPORT_DATES_READ, supportOf } from '@wavegate/fleet';
import { BEFORE, type Check, type Found } from '../check.js';

/** Whether upstream still mends the minor that runs, and the one that is to run. */
export const supportEnd: Check = {
  id: 'support-end',
  phases: BEFORE,
  needs: ['version'],
  codes: [
    {
      code: 'minor_unsupported',
      title: 'Upstream no longer patches this minor',
      meaning:
        'The minor that runs, or the target, is past the end that Kubernetes announced for it: no more security fixes. For the minor that runs this is the reason to upgrade; for the target it is a reason to go further.',
      remedy: 'Go to a supported minor; vendors may support longer (waive it with that reason).',
    },
    {
      code: 'minor_support_unknown',
      title: 'The end of support of this minor is not known here',
      meaning: `The table that Wavegate carries (read on ${SUPPORT_DATES_READ}) has no entry for it, most likely because it is newer.`,
      remedy: 'Look at kubernetes.io/releases.',
    },
  ],
  run({ version }, { target, at }) {
    const same = parseVersion(version)?.minor === parseVersion(target)?.minor;
    return [...supportFinding(version, 'runs here', at), ...(same ? [] : supportFinding(target, 'is the target', at))];
  },
};

function supportFinding(version: string, how: string, at: number): Found[] {
  const support = supportOf(version, at);
  const parsed = parseVersion(version);
  const object = parsed ? minorOf(parsed) : version;
  if (support.kind === 'ended') {
    const message = `${object} ${how}, and upstream's patches for it ended ${support.until}`;
    return [{ code: 'minor_unsupported', object, message, remedy: 'go to a supported minor' }];
  }
  if (support.kind === 'supported') return [];
  const message = `${object} ${how}; the end of its support is not in the table read on ${SUPPORT_DATES_READ}`;
  return [{ code: 'minor_support_unknown', object, message, remedy: 'look at kubernetes.io/releases' }];
}
