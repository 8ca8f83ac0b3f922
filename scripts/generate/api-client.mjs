// node scripts/generate/api-client.mjs FOLDER: writes the typed REST client of the CLI there, from the committed
// openapi.json. Types and one function per operation; nothing of it is edited by hand.
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('api-client: name the folder to write to');

await createClient({
  input: join(import.meta.dirname, '../../docs/reference/gen/openapi.json'),
  output: { path: folder, importFileExtension: '.js', clean: true },
  logs: { level: 'error' },
  plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
});
