import type { JSX } from "preact";
import { to } from "../router.js";
import { Page } from "../ui/page.js";
import { Empty } from "../ui/states.js";

export function NotFound(): JSX.Element {
  return (
    <Page title="There is no such page">
      <Empty title="Nothing is here">
        It may have been deleted, or the address is mistyped. <a href={to()}>Go to the overview</a>
      </Empty>
    </Page>
  );
}
