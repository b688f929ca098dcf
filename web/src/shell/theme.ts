// auto follows the system; the choice is kept in this browser.
import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const key = 'drover.theme';

function stored(): Theme {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}

export const theme = signal<Theme>(stored());

export function apply_theme(value: Theme): void {
  theme.value = value;
  document.documentElement.dataset.theme = value;
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still shows the theme for this visit.
  }
}
