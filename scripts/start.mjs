// npm start: sets up what is missing, then serves.
import { setUp } from './set-up.mjs';

setUp();
const { url, ready, stop } = await import('../apps/inference-gateway/dist/main.js');

// npm hands a signal to its shell, which dies of it without a word to us: notice that, and stop as if we had been told.
const shell = process.ppid;
setInterval(() => {
  if (process.ppid !== shell) void stop();
}, 250).unref();

await ready;
console.error(`
Throughline is ready on ${url}. Try:

  curl -s ${url}/predict -H 'content-type: application/json' -d '{"text":"A thoughtful, moving film."}'

Then take the request_id of the answer, and find it in the log lines above and in
  curl -s ${url}/metrics -H 'accept: application/openmetrics-text' | grep request_id
Traces, drawn in this terminal:   OTEL_TRACES_EXPORTER=console npm start
`);
