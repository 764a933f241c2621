import { startObservability } from '@throughline/sdk';
import { type Config, parseConfig } from './config.js';
import { type Gateway, startGateway } from './gateway.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Stops with a sentence instead of a stack: what is wrong is a setting, not the code. */
function refuse(error: unknown): never {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

function configure(): { config: Config; telemetry: ReturnType<typeof startObservability> } {
  try {
    const config = parseConfig(process.env);
    return { config, telemetry: startObservability({ service: 'inference-gateway' }) };
  } catch (error) {
    return refuse(error);
  }
}

const { config, telemetry } = configure();
const gateway: Gateway = await startGateway(config, telemetry).catch(refuse);

/** Ends the process as the signal would have, whatever is still running. */
function cut(signal: NodeJS.Signals): void {
  for (const name of SIGNALS) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}

let stopping = false;

/**
 * Stops in order: requests under way are answered, telemetry is sent out, then the process ends with `status`;
 * what takes too long is cut by `signal`. Further calls do nothing.
 */
export async function stop(status = 0, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (stopping) return;
  stopping = true;
  telemetry.log.info(status === 0 ? { signal } : { status }, 'gateway_stopping');
  setTimeout(() => {
    telemetry.log.error({ limit_ms: config.SHUTDOWN_TIMEOUT_MS }, 'gateway_shutdown_cut');
    cut(signal);
  }, config.SHUTDOWN_TIMEOUT_MS).unref();
  await gateway.shutdown();
  telemetry.log.info('gateway_stopped');
  await telemetry.shutdown();
  process.exit(status);
}

for (const signal of SIGNALS) {
  process.on(signal, () => (stopping ? cut(signal) : void stop(0, signal)));
}

// The SDK has logged the crash. Leaving while a worker is inside the model would abort the process: leave in order.
process.on('uncaughtException', () => void stop(1));

/** Where the gateway listens, and when it is ready; read by the start script. */
export const { url, ready } = gateway;
