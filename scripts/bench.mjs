// npm run bench [-- start|workers]: sets up what is missing, then measures. Measure on a quiet machine.
import { setUp } from './set-up.mjs';

setUp();
const what = process.argv[2] ?? 'start';
if (what === 'start') await import('../bench/cold-start.mjs');
else if (what === 'workers') await import('../bench/workers.mjs');
else console.error(`There is no bench "${what}"; there are start and workers.`);
