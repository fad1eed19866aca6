// The application: signs in, then shows the view of the address.

import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { api, call, get } from "./api.js";
import { SignIn } from "./pages/signin.js";
import { followLinks } from "./router.js";
import { Shell } from "./shell.js";
import type { Owner } from "./types.js";
import { Failed } from "./ui/states.js";
import { Toasts } from "./ui/toast.js";
import { asError } from "./use-load.js";

type Who = { state: "unknown" } | { state: "out"; ended: boolean } | { state: "in"; owner: Owner } | { state: "error"; message: string };

export function App(): JSX.Element {
  const [who, setWho] = useState<Who>({ state: "unknown" });
  const signedIn = useCallback((owner: Owner) => {
    api.csrf = owner.csrfToken ?? "";
    setWho({ state: "in", owner });
  }, []);
  const ask = useCallback(() => {
    get<Owner>("/me").then(signedIn, (raised: unknown) => {
      const error = asError(raised);
      setWho(error.status === 401 ? { state: "out", ended: false } : { state: "error", message: error.message });
    });
  }, []);
  useEffect(() => {
    // Keep the address, so that signing in again returns to the same page.
    api.signedOut = () => setWho({ state: "out", ended: true });
    document.addEventListener("click", followLinks);
    ask();
    return () => document.removeEventListener("click", followLinks);
  }, []);
  const signOut = useCallback(async () => {
    await call("POST", "/logout", { body: {} }).catch(() => undefined);
    setWho({ state: "out", ended: false });
  }, []);
  return (
    <>
      {who.state === "in" && <Shell owner={who.owner} signOut={() => void signOut()} />}
      {who.state === "out" && <SignIn ended={who.ended} signedIn={signedIn} />}
      {who.state === "error" && (
        <main class="alone">
          <Failed message={who.message} retry={ask} />
        </main>
      )}
      <Toasts />
    </>
  );
}
