export { environmentCatalog } from './environment.js';
export { type ErrorCode, type ErrorMeaning, errorCatalog } from './errors.js';
export { type MetricDefinition, metricCatalog } from './metrics.js';
export {
  attributeNames,
  eventNames,
  headerNames,
  logFields,
  overflowLabel,
  spanNames,
  unmatchedEndpoint,
} from './names.js';
