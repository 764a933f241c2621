import { announceMissing } from './servers.ts';

export function setup(): void {
  announceMissing();
}
