import { signal } from '@preact/signals';
import { get, signedOut } from '../api/client';
import type { Me } from '../api/types';

export const me = signal<Me | undefined>(undefined);

/** The sign-in page is open: because of a one-time link, its address, or a step that is not finished. */
export const entering = signal(location.hash.startsWith('#login=') || location.pathname === '/login');

/** Asks the hub who is here. false: nobody. Throws Problem when the hub cannot be asked. */
export async function find_me(): Promise<boolean> {
  try {
    me.value = await get<Me>('/me');
    signedOut.value = false;
    return true;
  } catch (error) {
    if (signedOut.value) return false;
    throw error;
  }
}
