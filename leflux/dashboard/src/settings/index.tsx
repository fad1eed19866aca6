import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { NotFound } from "../pages/not-found.js";
import { to } from "../router.js";
import type { Site } from "../types.js";
import { Page } from "../ui/page.js";
import { Answers } from "./answers.js";
import { AppearanceSettings } from "./appearance.js";
import { Audit } from "./audit.js";
import { Install } from "./install.js";
import { Knowledge } from "./knowledge.js";
import { NoticeSettings } from "./notices.js";
import { Playbooks } from "./playbooks.js";
import { PrivacySettings } from "./privacy.js";

type View = (props: { site: Site }) => JSX.Element;

const PAGES: Record<string, readonly [string, string, View]> = {
  privacy: ["Privacy", "How long conversations are kept, and whether they are logged.", PrivacySettings],
  appearance: ["Appearance", "How the chat looks and greets on your site.", AppearanceSettings],
  install: ["Install", "What your site needs to show the chat.", Install],
  knowledge: ["Knowledge", "What the chat has read of your site.", Knowledge],
  answers: ["Answers", "What the chat could not answer, and what you answer to it.", Answers],
  playbooks: ["Playbooks", "What the chat may do on your pages.", Playbooks],
  notices: ["Notices", "Who hears of conversations, and how.", NoticeSettings],
  audit: ["Audit trail", "Who changed or deleted what, and when. Never what was said.", Audit],
};

export function SettingsPage({ site, page }: { site: Site; page: string }): JSX.Element {
  const here = useRef<HTMLElement>(null);
  // On a phone, the tabs are wider than the screen.
  useEffect(() => {
    here.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [page]);
  const found = PAGES[page];
  if (found === undefined) return <NotFound />;
  const [title, lead, View] = found;
  return (
    <Page title={title} lead={lead}>
      <nav ref={here} class="tabs" aria-label="Settings">
        <ul>
          {Object.entries(PAGES).map(([name, [label]]) => (
            <li key={name}>
              <a href={to(site.id, "settings", name)} aria-current={name === page ? "page" : undefined}>
                {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <View site={site} />
    </Page>
  );
}
