// Dark or light: as the system has it, until the operator says otherwise for this tab.
import { useEffect, useState } from 'preact/hooks';

const KEY = 'weir.scheme';

type Scheme = 'dark' | 'light';

const dark = matchMedia('(prefers-color-scheme: dark)');

const initial = (): Scheme => {
  const kept = sessionStorage.getItem(KEY);
  return kept === 'dark' || kept === 'light' ? kept : dark.matches ? 'dark' : 'light';
};

/** The scheme, and what changes it. */
export type SchemeChoice = readonly [scheme: Scheme, toggle: () => void];

export const useScheme = (): SchemeChoice => {
  const [scheme, setScheme] = useState(initial);
  document.documentElement.dataset.scheme = scheme;
  useEffect(() => {
    const follow = () => {
      if (sessionStorage.getItem(KEY) === null) setScheme(initial());
    };
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, []);
  const toggle = () => {
    const next = scheme === 'dark' ? 'light' : 'dark';
    sessionStorage.setItem(KEY, next);
    setScheme(next);
  };
  return [scheme, toggle];
};
