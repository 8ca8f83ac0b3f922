// node scripts/generate/chart-values.mjs FOLDER: writes chart-agent.md and chart-hub.md there, from each chart's
// values.schema.json (what a value means) and values.yaml (what it is where nobody says).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('chart-values: name the folder to write to');
const charts = join(import.meta.dirname, '../../deploy/charts');

const about = {
  agent: `The agent of one cluster. How it is installed: [install.md](../install.md#a-cluster). What its modes may do:
[install.md](../install.md#modes).`,
  hub: `The hub. How it is installed: [install.md](../install.md#the-hub).`,
};

/** Each value that has no parts of its own, in the order of the schema. */
function rowsOf(schema, defaults, path = []) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const at = [...path, name];
    const value = defaults?.[name];
    if (part.properties && value !== undefined) {
      return [{ at, part, group: true }, ...rowsOf(part, value, at)];
    }
    return [{ at, part, value }];
  });
}

function allowed({ type, enum: words, items, minimum, maximum }) {
  if (words) return words.map((word) => `\`${word}\``).join(', ');
  if (type === 'array') return `list of ${items.type}s`;
  const bounds = maximum === undefined ? `at least ${minimum}` : `${minimum} to ${maximum}`;
  return minimum === undefined ? type : `${type}, ${bounds}`;
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultOf(value) {
  if (value === undefined || value === '') return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function page(chart) {
  const read = (name) => readFileSync(join(charts, chart, name), 'utf8');
  const schema = JSON.parse(read('values.schema.json'));
  const defaults = parse(read('values.yaml'));
  const { name } = parse(read('Chart.yaml'));
  const unknown = Object.keys(defaults).filter((key) => !schema.properties[key]);
  if (unknown.length > 0) throw new Error(`${chart}: values.yaml has ${unknown.join(', ')}, which the schema lacks`);
  const rows = rowsOf(schema, defaults).map(({ at, part, value, group }) => {
    if (!part.description) throw new Error(`${chart}: ${at.join('.')} has no description`);
    const what = group ? `**${cell(part.description)}**` : cell(part.description);
    return `| \`${at.join('.')}\` | ${group ? '' : allowed(part)} | ${group ? '' : cell(defaultOf(value))} | ${what} |`;
  });
  return `# Values of the chart ${name}

${about[chart]}

Made from \`deploy/charts/${chart}/values.schema.json\` by \`make gen\`. Helm refuses a name or a value that is not here.

| Value | | Default | Meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

mkdirSync(folder, { recursive: true });
for (const chart of ['agent', 'hub']) writeFileSync(join(folder, `chart-${chart}.md`), page(chart));
