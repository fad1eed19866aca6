import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, call } from "../api.js";
import type { Owner } from "../types.js";
import { Mark } from "../ui/icons.js";
import { Banner } from "../ui/states.js";
import { ThemeChoice } from "../ui/theme-choice.js";
import { asError } from "../use-load.js";

interface Props {
  ended: boolean;
  signedIn: (owner: Owner) => void;
}

export function SignIn({ ended, signedIn }: Props): JSX.Element {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Sign in · LeFlux";
  }, []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const body = { email: String(form.get("email")).trim(), password: String(form.get("password")) };
    setBusy(true);
    setError(null);
    try {
      signedIn(await call<Owner>("POST", "/login", { body }));
    } catch (raised) {
      setError(explain(asError(raised)));
      setBusy(false);
      password.current?.select();
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)} class="card">
        <Mark />
        <h1>Sign in to LeFlux</h1>
        <p class="soft">Conversations, numbers and settings of your sites.</p>
        {ended && error === null && <Banner kind="note">Your session has ended. Sign in again to go on where you were.</Banner>}
        {error !== null && <Banner kind="bad">{error}</Banner>}
        <label class="field">
          <span>Email</span>
          <input name="email" type="email" autocomplete="username" required />
        </label>
        <label class="field">
          <span>Password</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit" class="solid" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <ThemeChoice />
    </main>
  );
}

function explain(error: ApiError): string {
  if (error.status === 401) return "Email and password do not match an account.";
  if (error.status !== 429) return error.message;
  const wait = error.retryAfter;
  const when = wait === null ? "in a few minutes" : wait < 90 ? `in ${wait} seconds` : `in ${Math.ceil(wait / 60)} minutes`;
  return `Too many attempts. Try again ${when}.`;
}
