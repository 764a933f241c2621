import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MetricDefinition } from '../catalog/metrics.js';
import { overflowLabel } from '../catalog/names.js';
import { type AnyRegistry, OPENMETRICS_CONTENT_TYPE } from './exposition.js';

/** Labels of an exemplar; names and values together have room for 128 characters. */
export type ExemplarLabels = Readonly<Record<string, string>>;
export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

export interface CounterFamily<Label extends string> {
  add(labels: LabelValues<Label>, amount?: number): void;
}
export interface GaugeFamily<Label extends string> {
  set(labels: LabelValues<Label>, value: number): void;
}
export interface HistogramFamily<Label extends string> {
  /** `exemplar` is kept as the latest one of the bucket that `value` falls into. */
  observe(labels: LabelValues<Label>, value: number, exemplar?: ExemplarLabels): void;
}

/** Told when a label set did not fit into a metric's budget, with the label that has the most values. */
export type OnOverflow = (metric: string, label: string, first: boolean) => void;

/** Finds the bound series of a label set, and folds sets over the budget into one overflow series. */
function createSeries<Label extends string, Bound>(
  definition: MetricDefinition<Label>,
  bind: (labels: LabelValues<Label>) => Bound,
  onOverflow: OnOverflow,
) {
  const { labels: names, budget, name } = definition;
  const bound = new Map<string, Bound>();
  const values = new Map<Label, Set<string>>(names.map((label) => [label, new Set()]));
  let overflow: { readonly series: Bound; readonly label: string } | undefined;

  const spill = (): Bound => {
    const first = overflow === undefined;
    if (overflow === undefined) {
      const most = names.toSorted((a, b) => (values.get(b)?.size ?? 0) - (values.get(a)?.size ?? 0))[0];
      const folded = Object.fromEntries(names.map((label) => [label, overflowLabel])) as LabelValues<Label>;
      overflow = { series: bind(folded), label: most ?? '' };
    }
    onOverflow(name, overflow.label, first);
    return overflow.series;
  };

  return (labels: LabelValues<Label>): Bound => {
    let key = '';
    for (const label of names) key += `${labels[label]}\u0000`;
    const known = bound.get(key);
    if (known !== undefined) return known;
    if (bound.size >= budget) return spill();
    const series = bind(labels);
    bound.set(key, series);
    for (const label of names) values.get(label)?.add(labels[label]);
    return series;
  };
}

export function createCounter<Label extends string>(
  registry: AnyRegistry,
  definition: MetricDefinition<Label>,
  onOverflow: OnOverflow,
): CounterFamily<Label> {
  const { name, help, labels } = definition;
  const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry as Registry] });
  const series = createSeries(definition, (values) => counter.labels(values), onOverflow);
  return { add: (values, amount = 1) => series(values).inc(amount) };
}

/** A gauge that is set, or, given `collect`, asked for its values at each scrape. */
export function createGauge<Label extends string>(
  registry: AnyRegistry,
  definition: MetricDefinition<Label>,
  options: { onOverflow: OnOverflow; collect?: (gauge: GaugeFamily<Label>) => void },
): GaugeFamily<Label> {
  const { name, help, labels } = definition;
  const { collect } = options;
  const family: GaugeFamily<Label> = { set: (values, value) => series(values).set(value) };
  const gauge = new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry as Registry],
    ...(collect === undefined
      ? {}
      : {
          collect() {
            this.reset();
            collect(family);
          },
        }),
  });
  const series = createSeries(definition, (values) => gauge.labels(values), options.onOverflow);
  return family;
}

export function createHistogram<Label extends string>(
  registry: AnyRegistry,
  definition: MetricDefinition<Label>,
  onOverflow: OnOverflow,
): HistogramFamily<Label> {
  const { name, help, labels, buckets } = definition;
  // prom-client keeps exemplars in OpenMetrics registries only.
  const exemplars = registry.contentType === OPENMETRICS_CONTENT_TYPE;
  const histogram = new Histogram({
    name,
    help,
    labelNames: [...labels],
    registers: [registry as Registry],
    enableExemplars: exemplars,
    ...(buckets === undefined ? {} : { buckets: [...buckets] }),
  }) as Histogram<Label> & {
    updateExemplar(labels: object, value: number, exemplar: ExemplarLabels): void;
  };
  const series = createSeries(
    definition,
    (values) => {
      const own = { ...values };
      const bound = histogram.labels(own);
      return (value: number, exemplar: ExemplarLabels | undefined) => {
        bound.observe(value);
        if (exemplars && exemplar !== undefined) histogram.updateExemplar(own, value, exemplar);
      };
    },
    onOverflow,
  );
  return { observe: (values, value, exemplar) => series(values)(value, exemplar) };
}
