// `npm run openapi`: writes the admin API's OpenAPI document after its routes or schemas have changed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../src/admin');

// Named by a variable, because the Worker's files are typed for Workers and this one for Node.
const source: string = join(folder, 'document.ts');
const { openapiDocument }: { openapiDocument(): string } = await import(source);
await writeFile(join(folder, 'openapi.json'), openapiDocument());
