import type { OpenMetricsContentType, PrometheusContentType, Registry } from 'prom-client';

/** A registry of either format. */
export type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

interface Sample {
  readonly metricName?: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly sharedLabels?: Readonly<Record<string, string | number>>;
  readonly exemplar?: {
    readonly labelSet: Readonly<Record<string, string>>;
    readonly value: number;
    readonly timestamp: number;
  } | null;
}

const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
const escapeValue = (value: string | number): string => escapeHelp(String(value)).replace(/"/g, '\\"');

const labelText = (...sets: (Readonly<Record<string, string | number>> | undefined)[]): string =>
  sets
    .flatMap((set) => Object.entries(set ?? {}))
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
    .join(',');

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** Whether a scraper's `Accept` header asks for OpenMetrics, the format that carries exemplars. */
export const prefersOpenMetrics = (accept: string | undefined): boolean =>
  accept !== undefined &&
  /application\/openmetrics-text/i.test(accept) &&
  !/openmetrics-text[^,]*;\s*q=0(?:\.0*)?(?:\s*[,;]|$)/i.test(accept);

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

function exemplarText(sample: Sample): string {
  const { exemplar } = sample;
  if (!exemplar) return '';
  return ` # {${labelText(exemplar.labelSet)}} ${numberText(exemplar.value)} ${exemplar.timestamp}`;
}

/** The lines of one metric. OpenMetrics names a counter without the `_total` that its samples have. */
function familyLines({ name, help, type, values }: Family, open: boolean): string[] {
  const isOpenCounter = open && type === 'counter';
  const family = isOpenCounter ? name.replace(/_total$/, '') : name;
  const lines = [`# HELP ${family} ${escapeHelp(help)}`, `# TYPE ${family} ${type}`];
  for (const sample of values) {
    const sampleName = isOpenCounter ? `${family}_total` : (sample.metricName ?? name);
    const labels = labelText(sample.labels, sample.sharedLabels);
    const set = labels === '' ? '' : `{${labels}}`;
    lines.push(`${sampleName}${set} ${numberText(sample.value)}${open ? exemplarText(sample) : ''}`);
  }
  return lines;
}

/**
 * Writes all metrics of a registry as Prometheus text or OpenMetrics, chosen per request. (prom-client chooses per
 * registry, and takes the suffix off its counters' names for good when it writes OpenMetrics.)
 */
export async function writeMetrics(
  registry: AnyRegistry,
  accept: string | undefined,
): Promise<{ contentType: string; text: string }> {
  const open = prefersOpenMetrics(accept);
  const lines: string[] = [];
  for (const metric of registry.getMetricsAsArray()) {
    lines.push(...familyLines(await (metric as unknown as { get(): Promise<Family> }).get(), open));
  }
  if (open) lines.push('# EOF');
  return { contentType: open ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE, text: `${lines.join('\n')}\n` };
}
