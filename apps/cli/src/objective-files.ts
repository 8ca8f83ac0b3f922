import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CliFailure } from './cli-failure.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A plan may name a file where an objective stands: `{ from: slo/checkout.yaml }`, an OpenSLO document, relative to the
 * plan. The hub and its agents never read files: what stands in it becomes part of the plan, and of its digest.
 * `name` picks one where a file has several; all other fields of the entry (mode, source, where …) stay.
 */
export function withObjectiveFiles(plan: unknown, planPath: string): unknown {
  const spec = fieldsOf(fieldsOf(plan)?.['spec']);
  const verdict = fieldsOf(spec?.['verdict']);
  const objectives = verdict?.['objectives'];
  if (!Array.isArray(objectives) || !objectives.some((one) => fieldsOf(one)?.['from'] !== undefined)) return plan;
  const read = objectives.map((one: unknown, at) =>
    readObjective(one, `spec.verdict.objectives[${at}].from`, planPath),
  );
  return { ...fieldsOf(plan), spec: { ...spec, verdict: { ...verdict, objectives: read } } };
}

function readObjective(written: unknown, field: string, planPath: string): unknown {
  const entry = fieldsOf(written);
  if (entry?.['from'] === undefined) return written;
  const { from, ...rest } = entry;
  if (typeof from !== 'string' || from === '') {
    throw new CliFailure(
      `${field}  is ${JSON.stringify(from)}; write the path of an OpenSLO file, such as slo/checkout.yaml`,
    );
  }
  const path = isAbsolute(from) || planPath === '-' ? from : join(dirname(planPath), from);
  const documents = readDocuments(path, field);
  const levels = documents.filter(({ kind }) => kind === 'SLO' || kind === 'ServiceLevelObjective');
  const openslo = withIndicator(pick(levels, rest['name'], { path, field }), documents);
  return { name: nameOf(openslo), ...rest, openslo };
}

function readDocuments(path: string, field: string): readonly Fields[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliFailure(`${field}  ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const documents = parseAllDocuments(text, { prettyErrors: true });
  const list = Array.isArray(documents) ? documents : [];
  const wrong = list.flatMap(({ errors }) => errors.map(({ message }) => `${path}  not valid YAML: ${message}`));
  if (wrong.length > 0) throw new CliFailure(wrong);
  return list.map((document) => fieldsOf(document.toJS())).filter((one) => one !== undefined);
}

function pick(levels: readonly Fields[], name: unknown, { path, field }: { path: string; field: string }): Fields {
  const named = name === undefined ? levels : levels.filter((one) => nameOf(one) === name);
  const [only, other] = named;
  if (only && !other) return only;
  if (levels.length === 0) throw new CliFailure(`${field}  ${path} has no OpenSLO document of kind: SLO`);
  const known = levels.map(nameOf).join(', ');
  throw new CliFailure(
    `${field}  ${path} has ${levels.length} SLOs (${known}); write which one: { from: …, name: ${nameOf(levels[0] ?? {})} }`,
  );
}

/** An SLO may refer to an indicator that stands in a document of its own; the plan needs both in one. */
function withIndicator(level: Fields, documents: readonly Fields[]): Fields {
  const spec = fieldsOf(level['spec']);
  const { indicatorRef, ...rest } = spec ?? {};
  const indicator = documents.find((one) => one['kind'] === 'SLI' && nameOf(one) === indicatorRef);
  if (indicatorRef === undefined || !indicator) return level;
  const { metadata, spec: inside } = indicator;
  return { ...level, spec: { ...rest, indicator: { metadata, spec: inside } } };
}

const nameOf = (document: Fields): string => String(fieldsOf(document['metadata'])?.['name'] ?? '');

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
