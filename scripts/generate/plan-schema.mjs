// node scripts/generate/plan-schema.mjs FOLDER: writes plan.schema.json there, for editors and for people who generate plans.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planJsonSchema } from '../../libs/fleet/dist/index.js';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('plan-schema: name the folder to write to');

const schema = { $id: 'https://wavegate.dev/schemas/upgrade-plan.json', ...planJsonSchema() };
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'plan.schema.json'), `${JSON.stringify(schema, null, 2)}\n`);
