import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { HELM_VERSION, programPath } from '../world/obtained-programs.js';

const CHARTS = join(import.meta.dirname, '../../../deploy/charts');

export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/** The fields of rendered objects that tests read. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly PolicyRule[];
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** `helm template`, without a cluster. `error` is what helm says when it refuses. */
export async function render(
  chart: 'agent' | 'hub',
  words: readonly string[],
): Promise<{ readonly text: string; readonly error: string }> {
  const home = mkdtempSync(join(tmpdir(), 'wavegate-helm-'));
  const where = ['-n', chart === 'agent' ? 'wavegate' : 'wavegate-hub', '--kube-version', '1.34.4'];
  try {
    return await new Promise((done) => {
      const args = ['template', `wavegate-${chart}`, join(CHARTS, chart), ...where, ...words];
      const env = { PATH: process.env['PATH'], HOME: home };
      execFile(programPath('helm', HELM_VERSION), args, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
        done({ text: stdout, error: error ? stderr : '' }),
      );
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export const objectsIn = (text: string): readonly Rendered[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object): object is Rendered => object !== null);

/** The objects, where a refusal is a failure of the test. */
export async function rendered(chart: 'agent' | 'hub', words: readonly string[]): Promise<readonly Rendered[]> {
  const { text, error } = await render(chart, words);
  if (error) throw new Error(error);
  return objectsIn(text);
}

/** With UPDATE_GOLDEN=1 the file is made to hold `text`, and the difference is read in the review. */
export function golden(name: string, text: string): string {
  const path = join(import.meta.dirname, 'golden', `${name}.golden.yaml`);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return readFileSync(path, 'utf8');
}
