// The frame of all views: choice of site, navigation and account.

import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { get } from "./api.js";
import { AccountPage } from "./pages/account.js";
import { Analytics } from "./pages/analytics.js";
import { Conversations } from "./pages/conversations.js";
import { NotFound } from "./pages/not-found.js";
import { Overview } from "./pages/overview.js";
import { TranscriptPage } from "./pages/transcript.js";
import { navigate, to, useAddress } from "./router.js";
import { SettingsPage } from "./settings/index.js";
import type { Owner, Site } from "./types.js";
import { Icon, type IconName, Mark } from "./ui/icons.js";
import { Banner, Empty, Failed, Skeleton } from "./ui/states.js";
import { ThemeChoice } from "./ui/theme-choice.js";
import { useLoad } from "./use-load.js";

interface Props {
  owner: Owner;
  signOut: () => void;
}

const VIEWS: readonly [string, string, IconName][] = [
  ["", "Overview", "overview"],
  ["conversations", "Conversations", "chats"],
  ["analytics", "Analytics", "chart"],
  ["settings", "Settings", "settings"],
];

export function Shell({ owner, signOut }: Props): JSX.Element {
  const { parts } = useAddress();
  const loaded = useLoad((signal) => get<{ sites: Site[]; warnings: string[] }>("/sites", signal), "sites");
  const sites = loaded.data?.sites ?? [];
  const site = sites.find(({ id }) => id === parts[0]) ?? null;
  useEffect(() => {
    if (parts.length === 0 && sites[0]) navigate(to(sites[0].id), true);
  }, [parts.length, sites]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href={to(site?.id ?? "")}>
          <Mark /> LeFlux
        </a>
        <SiteChoice sites={sites} site={site} view={parts[1] ?? ""} />
        <Navigation site={site ?? sites[0] ?? null} view={parts[1] ?? ""} />
        <div class="account">
          <ThemeChoice />
          {sites[0] && (
            <a class="ghost who" href={to((site ?? sites[0]).id, "account")} title={owner.email} aria-current={parts[1] === "account" ? "page" : undefined}>
              <Icon name="person" /> <span>{owner.email}</span>
            </a>
          )}
          <button type="button" class="ghost" onClick={signOut}>
            <Icon name="out" /> <span>Sign out</span>
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <StoreWarnings warnings={loaded.data?.warnings ?? []} />
        {view(loaded.data !== null, loaded.error?.message ?? null, loaded.reload, site, sites, parts, owner, signOut)}
      </main>
    </div>
  );
}

function view(isThere: boolean, error: string | null, retry: () => void, site: Site | null, sites: Site[], parts: string[], owner: Owner, signOut: () => void): ComponentChildren {
  if (!isThere) return error === null ? <Skeleton rows={8} /> : <Failed message={error} retry={retry} />;
  if (sites.length === 0) return <Empty title="No site yet">Ask whoever runs this server to give your account a site.</Empty>;
  if (parts.length === 0) return <Skeleton rows={8} />;
  if (site === null) return <NotFound />;
  const [, name = "", id] = parts;
  if (name === "") return <Overview site={site} />;
  if (name === "conversations") return id ? <TranscriptPage key={id} site={site} id={id} /> : <Conversations key={site.id} site={site} />;
  if (name === "analytics") return <Analytics site={site} />;
  if (name === "settings") return <SettingsPage key={site.id} site={site} page={id ?? "privacy"} />;
  if (name === "account") return <AccountPage owner={owner} removed={signOut} />;
  return <NotFound />;
}

function StoreWarnings({ warnings }: { warnings: string[] }): JSX.Element | null {
  if (warnings.length === 0) return null;
  return (
    <Banner kind="note">
      <h2>The store needs attention</h2>
      <ul class="store-warnings">
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Banner>
  );
}

function SiteChoice({ sites, site, view }: { sites: Site[]; site: Site | null; view: string }): JSX.Element {
  return (
    <label class="site-choice">
      <span class="sr">Site</span>
      <select value={site?.id ?? ""} onChange={(event) => navigate(to(event.currentTarget.value, ...(view ? [view] : [])))}>
        {site === null && <option value="">{sites.length ? "Choose a site" : "…"}</option>}
        {sites.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Navigation({ site, view }: { site: Site | null; view: string }): JSX.Element {
  return (
    <nav aria-label="Pages">
      <ul>
        {VIEWS.map(([name, label, icon]) => (
          <li key={name}>
            <a href={site === null ? to() : to(site.id, ...(name ? [name] : []))} aria-current={view === name ? "page" : undefined}>
              <Icon name={icon} /> <span>{label}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
