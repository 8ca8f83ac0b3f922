// node scripts/generate/sli-library.mjs FOLDER: writes sli-library.ts there, from libs/kube/src/metrics/slis/*.yaml and gauges.yaml: the
// agent is one bundled file and reads no others. What is wrong with a service level is said here, not in a cluster.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { countsProblem, gaugeQueryProblem } from '../../libs/fleet/dist/index.js';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('sli-library: name the folder to write to');

const from = join(import.meta.dirname, '../../libs/kube/src/metrics/slis');
const slis = readdirSync(from)
  .sort()
  .flatMap((file) => parse(readFileSync(join(from, file), 'utf8')).map((sli) => ({ file, ...sli })));

const gauges = parse(readFileSync(join(from, '../gauges.yaml'), 'utf8')).map((gauge) => ({
  file: 'gauges.yaml',
  ...gauge,
}));

function refuse(sli, why) {
  throw new Error(`${sli.file}: ${sli.name}: ${why}`);
}

const PLACEHOLDER = /\$([a-z][A-Za-z]*)/g;

const RANGE = /^(\*|[<>]=?\d+\.\d+( [<>]=?\d+\.\d+)?)$/;

function checkRanges(sli, { kubernetes, component = '*' }) {
  const wrong = [kubernetes, component].find((range) => !RANGE.test(range));
  if (wrong !== undefined) refuse(sli, `"${wrong}" is no range of versions`);
  // What is no part of Kubernetes has versions of its own.
  if (kubernetes === '*' && component === '*') refuse(sli, 'needs the component versions that call its metrics so');
}

function checkVersion(sli, version) {
  checkRanges(sli, version);
  const { bad, good, total } = version;
  if (!bad === !good) refuse(sli, 'needs one of bad and good');
  for (const query of [bad ?? good, total]) {
    const problem = countsProblem(query);
    if (problem) refuse(sli, problem.detail);
    checkPlaceholders(sli, query);
  }
}

function checkPlaceholders(sli, query) {
  const used = [...query.matchAll(PLACEHOLDER)].map(([, word]) => word).filter((word) => word !== 'period');
  const unknown = used.find((word) => !Object.hasOwn(sli.params, word));
  if (unknown) refuse(sli, `uses $${unknown}, which is no parameter`);
}

function checked(sli) {
  const { name, objective, params, versions } = sli;
  if (!(objective > 0 && objective < 1)) refuse(sli, `objective ${objective} is not between 0 and 1`);
  if (slis.filter((one) => one.name === name).length > 1) refuse(sli, 'is there twice');
  versions.forEach((version) => checkVersion(sli, version));
  const { about, from: exposedBy } = sli;
  return {
    ...{ name, about, from: exposedBy, objective },
    params: paramsOf(params),
    versions: versions.map(({ kubernetes, component = null, bad = null, good = null, total }) => ({
      ...{ kubernetes, component, bad, good, total },
    })),
  };
}

function paramsOf(params = {}) {
  return Object.entries(params).map(([param, { default: usual = null, about: meaning = '' }]) => ({
    ...{ name: param, default: usual, about: meaning },
  }));
}

/** One value at a time, and of the library itself: no parameter that must be said. */
function checkedGauge(gauge) {
  const { name, about, from: exposedBy, params, versions } = gauge;
  if (gauges.filter((one) => one.name === name).length > 1) refuse(gauge, 'is there twice');
  for (const version of versions) {
    checkRanges(gauge, version);
    const problem = gaugeQueryProblem(version.query);
    if (problem) refuse(gauge, problem.detail);
    checkPlaceholders({ params: {}, ...gauge }, version.query);
  }
  return {
    ...{ name, about, from: exposedBy, params: paramsOf(params) },
    versions: versions.map(({ kubernetes, component = null, query }) => ({ kubernetes, component, query })),
  };
}

const text = `// Generated from ../slis/*.yaml and ../gauges.yaml by \`make gen\`; edit those.
import type { GaugeDefinition, SliDefinition } from '../sli-definition.js';

export const SLI_LIBRARY: readonly SliDefinition[] = ${JSON.stringify(slis.map(checked), null, 2)};

export const GAUGE_LIBRARY: readonly GaugeDefinition[] = ${JSON.stringify(gauges.map(checkedGauge), null, 2)};
`;
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'sli-library.ts'), text);
