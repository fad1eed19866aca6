// The signed-in account: password, sign-ins, API tokens, and the accounts that it may remove.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { api, call, get } from "../api.js";
import { moment } from "../format.js";
import type { Account, ApiToken, Login, Owner } from "../types.js";
import { Confirm } from "../ui/confirm.js";
import { Card, Page } from "../ui/page.js";
import { Banner, Empty, Show } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { asError, type Loaded, useLoad } from "../use-load.js";

export function AccountPage({ owner, removed }: { owner: Owner; removed: () => void }): JSX.Element {
  const logins = useLoad((signal) => get<{ logins: Login[] }>("/logins", signal), "logins");
  const tokens = useLoad((signal) => get<{ tokens: ApiToken[] }>("/tokens", signal), "tokens");
  const changed = (): void => {
    logins.reload();
    tokens.reload();
  };
  return (
    <Page title="Account" lead={owner.email}>
      <div class="account-page">
        <PasswordForm email={owner.email} changed={changed} />
        <Logins of={logins} />
        <Tokens of={tokens} />
        <Accounts removed={removed} />
      </div>
    </Page>
  );
}

function PasswordForm({ email, changed }: { email: string; changed: () => void }): JSX.Element {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const text = (name: string): string => String(data.get(name));
    setBusy(true);
    setError(null);
    try {
      const body = { currentPassword: text("current"), newPassword: text("new"), revokeTokens: data.has("tokens") };
      api.csrf = (await call<Owner>("POST", "/password", { body })).csrfToken ?? "";
      form.reset();
      toast("The password is changed. All other sign-ins have ended.");
      changed();
    } catch (raised) {
      setError(asError(raised).message);
    }
    setBusy(false);
  };
  return (
    <Card title="Password">
      <form class="password" onSubmit={(event) => void submit(event)}>
        <input class="sr" type="email" autocomplete="username" value={email} readOnly tabIndex={-1} aria-hidden="true" />
        {error !== null && <Banner kind="bad">{error}</Banner>}
        <label class="field">
          <span>Current password</span>
          <input name="current" type="password" autocomplete="current-password" required />
        </label>
        <label class="field">
          <span>New password, at least 12 characters</span>
          <input name="new" type="password" autocomplete="new-password" minLength={12} maxLength={1024} required />
        </label>
        <label class="tick">
          <input name="tokens" type="checkbox" /> <span>Revoke my API tokens, too</span>
        </label>
        <p class="soft">A new password ends every sign-in but this one.</p>
        <button type="submit" class="solid" disabled={isBusy}>
          {isBusy ? "Changing…" : "Change the password"}
        </button>
      </form>
    </Card>
  );
}

function Logins({ of }: { of: Loaded<{ logins: Login[] }> }): JSX.Element {
  return (
    <Card title="Sign-ins" flush>
      <Show of={of} rows={2}>
        {({ logins }) => (
          <List isEmpty={logins.length === 0} empty="No browser is signed in">
            {logins.map((login) => (
              <Row key={login.id} name={browser(login.agent)} about={[login.address, `since ${moment(login.since)}`, `last seen ${moment(login.lastSeen)}`]}>
                {login.current ? (
                  <span class="live">This browser</span>
                ) : (
                  <Removal name="End" title="End this sign-in?" act={() => call("DELETE", `/logins/${login.id}`)} done={of.reload}>
                    {browser(login.agent)} has to sign in again.
                  </Removal>
                )}
              </Row>
            ))}
          </List>
        )}
      </Show>
    </Card>
  );
}

function Tokens({ of }: { of: Loaded<{ tokens: ApiToken[] }> }): JSX.Element {
  return (
    <Card title="API tokens" flush>
      <Show of={of} rows={2}>
        {({ tokens }) => (
          <List isEmpty={tokens.length === 0} empty="There are no tokens" more="A token is made on the server: run.py create-admin EMAIL --token">
            {tokens.map((token) => (
              <Row key={token.id} name={token.name || `Token ${token.id.slice(0, 6)}`} about={aboutToken(token)}>
                <Removal name="Revoke" title="Revoke this token?" act={() => call("DELETE", `/tokens/${token.id}`)} done={of.reload}>
                  Whatever uses it is refused from now on.
                </Removal>
              </Row>
            ))}
          </List>
        )}
      </Show>
    </Card>
  );
}

function aboutToken(token: ApiToken): string[] {
  const used = token.lastUsed === null ? "never used" : `last used ${moment(token.lastUsed)}`;
  const isOver = token.expiresAt !== null && token.expiresAt <= Date.now();
  const expires = token.expiresAt === null ? "does not expire" : `${isOver ? "expired" : "expires"} ${moment(token.expiresAt)}`;
  return [sitesOf(token.sites), used, expires];
}

function Accounts({ removed }: { removed: () => void }): JSX.Element {
  const accounts = useLoad((signal) => get<{ accounts: Account[] }>("/accounts", signal), "accounts");
  return (
    <Card title="Accounts" flush>
      <Show of={accounts} rows={2}>
        {(data) => (
          <List isEmpty={false} empty="">
            {data.accounts.map((account) => (
              <Row key={account.id} name={account.isYou ? `${account.email} (you)` : account.email} about={[sitesOf(account.sites)]}>
                <Removal
                  name="Remove"
                  title={`Remove ${account.email}?`}
                  act={() => call("DELETE", `/accounts/${account.id}`)}
                  done={account.isYou ? removed : accounts.reload}
                >
                  The account, its sign-ins and its tokens end at once.
                </Removal>
              </Row>
            ))}
          </List>
        )}
      </Show>
    </Card>
  );
}

const sitesOf = (sites: readonly string[]): string => (sites.includes("*") ? "every site" : sites.length === 0 ? "no site" : sites.join(", "));

const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg/, "Edge"],
  [/\bOPR\b/, "Opera"],
  [/\bFirefox\b/, "Firefox"],
  [/\b(Headless)?Chrome\b/, "Chrome"],
  [/\bSafari\b/, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** A short name of the browser and its system, from the User-Agent header. */
function browser(agent: string): string {
  const first = (list: readonly [RegExp, string][]): string | undefined => list.find(([pattern]) => pattern.test(agent))?.[1];
  const [name, system] = [first(BROWSERS), first(SYSTEMS)];
  if (name === undefined) return agent.slice(0, 40) || "Unknown browser";
  return system === undefined ? name : `${name} on ${system}`;
}

interface ListProps {
  isEmpty: boolean;
  empty: string;
  more?: string;
  children: ComponentChildren;
}

function List({ isEmpty, empty, more, children }: ListProps): JSX.Element {
  return isEmpty ? <Empty title={empty}>{more}</Empty> : <ul class="entries">{children}</ul>;
}

function Row({ name, about, children }: { name: string; about: string[]; children: ComponentChildren }): JSX.Element {
  return (
    <li>
      <b class="break">{name}</b>
      <p class="soft break">{about.filter(Boolean).join(" · ")}</p>
      <div>{children}</div>
    </li>
  );
}

interface RemovalProps {
  name: string;
  title: string;
  act: () => Promise<unknown>;
  done: () => void;
  children: ComponentChildren;
}

/** A button that asks before it acts. */
function Removal({ name, title, act, done, children }: RemovalProps): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const confirmed = async (): Promise<void> => {
    await act();
    done();
  };
  return (
    <>
      <button type="button" class="plain bad" onClick={() => setAsking(true)}>
        {name}
      </button>
      {isAsking && (
        <Confirm title={title} confirm={name} busy="One moment…" act={confirmed} close={() => setAsking(false)}>
          <p>{children}</p>
        </Confirm>
      )}
    </>
  );
}
