// The one form of who is signed out.
import { useState } from 'preact/hooks';
import { Api, Refused } from '../api.ts';

interface Props {
  readonly why: string;
  readonly onToken: (token: string) => void;
}

const saidOf = (error: unknown): string =>
  error instanceof Refused && error.status === 404
    ? 'That is not the admin token, or this address has failed too often: wait ten seconds.'
    : `Weir did not answer: ${String(error)}`;

export const SignIn = ({ why, onToken }: Props) => {
  const [said, setSaid] = useState(why);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const token = String(new FormData(form).get('token') ?? '').trim();
    setBusy(true);
    try {
      await new Api(token, () => undefined).call('GET', 'config');
      onToken(token);
    } catch (error) {
      setSaid(saidOf(error));
      form.querySelector('input')?.select();
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <img src="/icon.svg" alt="" width="44" height="44" />
        <h1>Weir console</h1>
        <p>{location.host}</p>
        <label for="token">Admin token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          aria-describedby="said"
        />
        <p id="said" class="said" role="alert">
          {said}
        </p>
        <button class="primary" type="submit" disabled={busy}>
          {busy ? 'Asking…' : 'Sign in'}
        </button>
        <p class="faint">Kept for this tab only, and sent to this host alone.</p>
      </form>
    </main>
  );
};
