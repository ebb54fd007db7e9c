// What readEnviron gives, after the changes to process.env that the first argument asks for.
import { readEnviron } from '@wsgi/core/handlers';

const { set = {}, remove = [] } = JSON.parse(process.argv[2] ?? '{}');
Object.assign(process.env, set);
for (const name of remove) delete process.env[name];
process.stdout.write(JSON.stringify(readEnviron()));
