// `buf lint`, and `buf breaking` against what main has committed: agents and hubs of neighbouring releases must understand each other.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { root } from './setup.mjs';

const proto = join(root, 'proto');

export function lintWire() {
  return run('buf', ['lint'], { cwd: proto, quiet: true });
}

/** The first of these that exists and already has a proto: the review target, main, or this commit. */
async function baseline() {
  for (const ref of [process.env.BREAKING_AGAINST, 'origin/main', 'main', 'HEAD'].filter(Boolean)) {
    const has = await run('git', ['cat-file', '-e', `${ref}:proto/buf.yaml`], { quiet: true });
    if (has.code === 0) return ref;
  }
  return undefined;
}

/**
 * The baseline is unpacked by `git archive`: buf's own git input clones, and that fails on shallow and detached checkouts.
 * Resolves to { code, output, note }.
 */
export async function breakingWire() {
  const ref = await baseline();
  if (!ref) return { code: 0, output: '', note: 'nothing to compare with: no commit has a proto yet' };
  const old = mkdtempSync(join(tmpdir(), 'wavegate-proto-'));
  try {
    mkdirSync(join(old, 'x'));
    const packed = join(old, 'proto.tar');
    const steps = [
      ['git', ['archive', `--output=${packed}`, ref, 'proto']],
      ['tar', ['-xf', packed, '-C', join(old, 'x')]],
      ['buf', ['breaking', proto, '--against', join(old, 'x', 'proto')]],
    ];
    for (const [command, args] of steps) {
      const step = await run(command, args, { quiet: true });
      if (step.code !== 0) return { ...step, note: `against ${ref}` };
    }
    return { code: 0, output: '', note: `against ${ref}` };
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}
