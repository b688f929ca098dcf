import { render } from 'preact';
import { App } from './app';
import { apply_theme, theme } from './shell/theme';
import { start_clock } from './text/time';
import './styles/index.css';

apply_theme(theme.value);
start_clock();
const root = document.getElementById('app');
if (root) render(<App />, root);
