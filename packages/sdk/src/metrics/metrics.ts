import { collectDefaultMetrics, type OpenMetricsContentType, Registry } from 'prom-client';
import { type MetricDefinition, metricCatalog } from '../catalog/metrics.js';
import { type AnyRegistry, OPENMETRICS_CONTENT_TYPE, writeMetrics } from './exposition.js';
import {
  type CounterFamily,
  createCounter,
  createGauge,
  createHistogram,
  type GaugeFamily,
  type HistogramFamily,
} from './families.js';

export interface MetricsOptions {
  readonly enabled: boolean;
  /** Registry to add to; one of its own when not given. Exemplars need an OpenMetrics registry. */
  readonly registry?: AnyRegistry;
  /** Told once per metric whose label sets no longer fit its budget, with the label to blame. */
  readonly onOverflow: (metric: string, label: string) => void;
}

export interface Metrics {
  readonly enabled: boolean;
  readonly registry: AnyRegistry;
  counter<Label extends string>(definition: MetricDefinition<Label>): CounterFamily<Label>;
  gauge<Label extends string>(
    definition: MetricDefinition<Label>,
    collect?: (gauge: GaugeFamily<Label>) => void,
  ): GaugeFamily<Label>;
  histogram<Label extends string>(definition: MetricDefinition<Label>): HistogramFamily<Label>;
  /** All metrics as text, in the format that the `Accept` header asks for. */
  text(accept?: string): Promise<{ contentType: string; text: string }>;
}

/** Event loop, GC, heap and CPU; without the gauges whose names claim to be counters. */
function collectProcessMetrics(register: Registry): void {
  collectDefaultMetrics({ register });
  for (const kind of ['handles', 'requests', 'resources']) register.removeSingleMetric(`nodejs_active_${kind}_total`);
}

function openRegistry(): AnyRegistry {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(OPENMETRICS_CONTENT_TYPE);
  return registry;
}

/** Metrics on prom-client: label sets found by one look-up, held to a budget, with exemplars. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = options.registry ?? openRegistry();
  const text = (accept?: string) => writeMetrics(registry, accept);
  if (!options.enabled) {
    return {
      enabled: false,
      registry,
      counter: () => ({ add() {} }),
      gauge: () => ({ set() {} }),
      histogram: () => ({ observe() {} }),
      text,
    };
  }
  const overflow = createCounter(registry, metricCatalog.labelOverflow, () => {});
  const onOverflow = (metric: string, label: string, first: boolean): void => {
    overflow.add({ metric, label });
    if (first) options.onOverflow(metric, label);
  };
  if (options.registry === undefined) collectProcessMetrics(registry as Registry);
  return {
    enabled: true,
    registry,
    counter: (definition) => createCounter(registry, definition, onOverflow),
    gauge: (definition, collect) => createGauge(registry, definition, { onOverflow, ...(collect ? { collect } : {}) }),
    histogram: (definition) => createHistogram(registry, definition, onOverflow),
    text,
  };
}
