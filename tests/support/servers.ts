import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A server or tool that some tests need: found by a variable of the environment, else by its name on the PATH. */
interface Requirement {
  readonly variable: string;
  readonly names: readonly string[];
  readonly enables: string;
}

const requirements = {
  jaeger: {
    variable: 'JAEGER_BIN',
    names: ['jaeger-all-in-one'],
    enables: 'traces received and looked up by Jaeger over OTLP/gRPC and OTLP/HTTP',
  },
  promtool: { variable: 'PROMTOOL_BIN', names: ['promtool'], enables: 'the check of /metrics by promtool' },
  sst: { variable: 'SST_DIR', names: [], enables: 'accuracy and token parity on the Stanford Sentiment Treebank' },
} as const satisfies Record<string, Requirement>;

export type ServerName = keyof typeof requirements;

const isUsable = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};

/** Path of a server or tool, or undefined when this machine has none. */
export function find(name: ServerName): string | undefined {
  const { variable, names } = requirements[name];
  const given = process.env[variable];
  if (given !== undefined && given !== '') return given;
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((candidate) => join(folder, candidate)))
    .find((path) => isUsable(path, constants.X_OK));
  return onPath ?? (name === 'sst' ? besideTheProject() : undefined);
}

function besideTheProject(): string | undefined {
  const folder = join(import.meta.dirname, '../../../shared/data/sst');
  return isUsable(join(folder, 'dev.txt'), constants.R_OK) ? folder : undefined;
}

/** One line for each thing that is missing; with `REQUIRE_SERVERS=true`, an error instead. */
export function announceMissing(): void {
  const missing = (Object.keys(requirements) as ServerName[]).filter((name) => find(name) === undefined);
  const lines = missing.map((name) => {
    const { variable, enables } = requirements[name];
    return `skipped: ${enables} (set ${variable} to enable)`;
  });
  if (lines.length === 0) return;
  if (process.env.REQUIRE_SERVERS === 'true') throw new Error(`Required but missing:\n${lines.join('\n')}`);
  process.stderr.write(`${lines.join('\n')}\n`);
}
