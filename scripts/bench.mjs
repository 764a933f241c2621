// npm run bench: sets up what is missing, then measures. Measure on a quiet machine.
import { setUp } from './set-up.mjs';

setUp();
await import('../bench/cold-start.mjs');
