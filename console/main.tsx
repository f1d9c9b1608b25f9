// The console: signs in, follows the live view, and shows the page that the address names.
import { render } from 'preact';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
