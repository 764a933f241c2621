// npm start: sets up what is missing, then serves.
import { setUp } from './set-up.mjs';

setUp();
const { url, ready } = await import('../apps/inference-gateway/dist/main.js');
await ready;
console.error(`
Throughline is ready on ${url}. Try:

  curl -s ${url}/predict -H 'content-type: application/json' -d '{"text":"A thoughtful, moving film."}'

Then take the request_id of the answer, and find it in the log lines above and in
  curl -s ${url}/metrics -H 'accept: application/openmetrics-text' | grep request_id
Traces, drawn in this terminal:   OTEL_TRACES_EXPORTER=console npm start
`);
