import { signal } from '@preact/signals';

export type DialogName = 'palette' | 'keys' | 'join' | 'about' | 'password';
/** The dialog of the shell that is open. */
export const dialog = signal<DialogName | undefined>(undefined);
export const nav_folded = signal(false);
