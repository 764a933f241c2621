// Brings a clone to the point where it runs: installs what is missing, builds what has changed, and says what it does.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.installed-lock');

function run(command, args, options = {}) {
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) process.exit(signal === null ? (status ?? 1) : 1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Throughline needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

function readOr(path, fallback) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}

/** What the stamp says when the packages that the lock file wants are installed for this machine. */
function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}`;
}

/** Whether the installed packages are those of the lock file. */
export const isInstalled = () => readOr(stamp, '') === wantedStamp();

function install() {
  if (isInstalled()) return;
  console.error('Installing packages, once …');
  const npm = process.env.npm_execpath;
  if (npm === undefined) run('npm', ['ci', '--no-progress'], { shell: process.platform === 'win32' });
  else run(process.execPath, [npm, 'ci', '--no-progress']);
  writeFileSync(stamp, wantedStamp());
}

/** Installs and builds; what is fresh is left alone (the compiler itself finds out what has changed). */
export function setUp() {
  requireNode();
  install();
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
}
